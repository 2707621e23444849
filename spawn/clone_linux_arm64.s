#include "go_asm.h"
#include "textflag.h"

// func cloneChild(c *child)
//
// What comes after inchild runs in the new process, on its parent's memory. It
// uses no stack and nothing of Go's; R19 is c on both sides.
TEXT ·cloneChild(SB),NOSPLIT,$0-8
	MOVD c+0(FP), R19
	MOVD $135, R8            // rt_sigprocmask: a signal would find Go's handlers in the child
	MOVD $2, R0              // SIG_SETMASK
	ADD  $child_all, R19, R1
	ADD  $child_mask, R19, R2
	MOVD $8, R3
	SVC
	MOVD (child_clone+0)(R19), R8
	MOVD (child_clone+8)(R19), R0
	MOVD (child_clone+16)(R19), R1
	MOVD (child_clone+24)(R19), R2
	MOVD (child_clone+32)(R19), R3
	MOVD (child_clone+40)(R19), R4
	SVC
	CBZ  R0, inchild
	MOVD R0, child_pid(R19)
	MOVD $135, R8            // rt_sigprocmask
	MOVD $2, R0
	ADD  $child_mask, R19, R1
	MOVD $0, R2
	MOVD $8, R3
	SVC
	RET

inchild:
	MOVD $172, R8            // getpid
	SVC
	ADD  $(child_digits+23), R19, R20 // the last byte stays NUL
	MOVD $10, R21

digit:
	UDIV R21, R0, R22
	MSUB R21, R0, R22, R23   // the remainder: R0 - R22*R21
	ADD  $'0', R23
	SUB  $1, R20
	MOVB R23, (R20)
	MOVD R22, R0
	CBNZ R0, digit
	MOVD child_places(R19), R21

place:
	MOVD (R21), R22
	ADD  $8, R21
	CBZ  R22, list
	MOVD R20, R23

copy:
	MOVBU (R23), R24
	MOVB R24, (R22)
	ADD  $1, R23
	ADD  $1, R22
	CBNZ R24, copy
	JMP  place

list:
	MOVD child_calls(R19), R20

call:
	MOVD 0(R20), R8
	MOVD 8(R20), R0
	MOVD 16(R20), R1
	MOVD 24(R20), R2
	MOVD 32(R20), R3
	MOVD 40(R20), R4
	MOVD 48(R20), R5
	SVC
	CMN  $4095, R0           // from there on are the errors; the last call, execve, knows nothing else
	BHS  failed
	ADD  $call__size, R20
	JMP  call

failed:
	MOVD R0, child_failed(R19)
	MOVD 0(R20), R20
	MOVD R20, child_refused(R19)
	MOVD (child_question+0)(R19), R8
	MOVD (child_question+8)(R19), R0
	MOVD (child_question+16)(R19), R1
	MOVD (child_question+24)(R19), R2
	MOVD (child_question+32)(R19), R3
	MOVD (child_question+40)(R19), R4
	SVC
	MOVD R0, child_answer(R19)
	MOVD $94, R8             // exit_group
	MOVD $203, R0            // EXIT_EXEC of systemd.exec(5); nobody sees it
	SVC
	BRK  $1
