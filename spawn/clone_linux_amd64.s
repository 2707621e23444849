#include "go_asm.h"
#include "textflag.h"

// func cloneChild(c *child)
//
// What comes after inchild runs in the new process, on its parent's memory. It
// uses no stack and nothing of Go's; R12 is c on both sides.
TEXT ·cloneChild(SB),NOSPLIT,$0-8
	MOVQ c+0(FP), R12
	MOVQ $14, AX             // rt_sigprocmask: a signal would find Go's handlers in the child
	MOVQ $2, DI              // SIG_SETMASK
	LEAQ child_all(R12), SI
	LEAQ child_mask(R12), DX
	MOVQ $8, R10
	SYSCALL
	MOVQ (child_clone+0)(R12), AX
	MOVQ (child_clone+8)(R12), DI
	MOVQ (child_clone+16)(R12), SI
	MOVQ (child_clone+24)(R12), DX
	MOVQ (child_clone+32)(R12), R10
	MOVQ (child_clone+40)(R12), R8
	SYSCALL
	CMPQ AX, $0
	JEQ  inchild
	MOVQ AX, child_pid(R12)
	MOVQ $14, AX             // rt_sigprocmask
	MOVQ $2, DI
	LEAQ child_mask(R12), SI
	MOVQ $0, DX
	MOVQ $8, R10
	SYSCALL
	RET

inchild:
	MOVQ $39, AX             // getpid
	SYSCALL
	LEAQ (child_digits+23)(R12), BX // the last byte stays NUL
	MOVQ $10, CX

digit:
	MOVQ $0, DX
	DIVQ CX
	ADDQ $'0', DX
	DECQ BX
	MOVB DX, (BX)
	CMPQ AX, $0
	JNE  digit
	MOVQ child_places(R12), R13

place:
	MOVQ (R13), DI
	ADDQ $8, R13
	CMPQ DI, $0
	JEQ  list
	MOVQ BX, SI

copy:
	MOVB (SI), AX
	MOVB AX, (DI)
	INCQ SI
	INCQ DI
	CMPB AX, $0
	JNE  copy
	JMP  place

list:
	MOVQ child_calls(R12), R13

call:
	MOVQ 0(R13), AX
	MOVQ 8(R13), DI
	MOVQ 16(R13), SI
	MOVQ 24(R13), DX
	MOVQ 32(R13), R10
	MOVQ 40(R13), R8
	MOVQ 48(R13), R9
	SYSCALL
	CMPQ AX, $-4096          // above are the errors; the last call, execve, knows nothing else
	JHI  failed
	ADDQ $call__size, R13
	JMP  call

failed:
	MOVQ AX, child_failed(R12)
	MOVQ 0(R13), R13
	MOVQ R13, child_refused(R12)
	MOVQ (child_question+0)(R12), AX
	MOVQ (child_question+8)(R12), DI
	MOVQ (child_question+16)(R12), SI
	MOVQ (child_question+24)(R12), DX
	MOVQ (child_question+32)(R12), R10
	MOVQ (child_question+40)(R12), R8
	SYSCALL
	MOVQ AX, child_answer(R12)
	MOVQ $231, AX            // exit_group
	MOVQ $203, DI            // EXIT_EXEC of systemd.exec(5); nobody sees it
	SYSCALL
	INT  $3
