#include "textflag.h"

// func readLimit() int64
TEXT ·readLimit(SB),NOSPLIT,$0-8
	MOVQ $302, AX            // prlimit64
	MOVQ $0, DI              // of this process
	MOVQ $7, SI              // RLIMIT_NOFILE
	MOVQ $0, DX              // change nothing
	LEAQ ·limit(SB), R10
	SYSCALL
	MOVQ AX, ret+0(FP)
	RET
