#include "textflag.h"

// entry asks for SIGPIPE's disposition, then goes where the process would have
// begun. It has no stack of Go's, and must keep the one the kernel made.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVD $134, R8            // rt_sigaction
	MOVD $13, R0             // SIGPIPE
	MOVD $0, R1              // change nothing
	MOVD $·action(SB), R2
	MOVD $8, R3              // size of the mask
	SVC
	JMP  _rt0_arm64_linux(SB)

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
