#include "textflag.h"

// entry asks for SIGPIPE's disposition, then goes where the process would have
// begun. It has no stack of Go's, and must keep the one the kernel made.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOVQ $13, AX             // rt_sigaction
	MOVQ $13, DI             // SIGPIPE
	MOVQ $0, SI              // change nothing
	LEAQ ·action(SB), DX
	MOVQ $8, R10             // size of the mask
	SYSCALL
	MOVQ $0, DX              // what the kernel left there for rt0
	JMP  _rt0_amd64_linux(SB)

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
