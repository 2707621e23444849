#include "textflag.h"

// func readLimit() int64
TEXT ·readLimit(SB),NOSPLIT,$0-8
	MOVD $261, R8            // prlimit64
	MOVD $0, R0              // of this process
	MOVD $7, R1              // RLIMIT_NOFILE
	MOVD $0, R2              // change nothing
	MOVD $·limit(SB), R3
	SVC
	MOVD R0, ret+0(FP)
	RET
