/*
 * The start of a program that has no C library, and its system calls. What is
 * compared with it is the start of processes, and a C library that starts asks
 * the processor some dozens of questions about itself (CPUID), each of which is
 * an exit to the hypervisor on a virtual machine: more than fork and exec
 * together.
 *
 * A program defines run; what it returns is the exit status. It is built with
 * -nostdlib -static.
 */
#include <sys/syscall.h>

static int run(int argc, char **argv, char **environment);

#if defined __x86_64__
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;

	__asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return number;
}
#elif defined __aarch64__
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl start\n");

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}
#else
#error "no start and no system calls for this architecture"
#endif

/* The stack as the kernel leaves it: argc, the arguments, 0, the variables, 0. */
__attribute__((used, noreturn)) void start(long *stack)
{
	char **argv = (char **)(stack + 1);

	for (;;)
		call(SYS_exit_group, run((int)stack[0], argv, argv + stack[0] + 1), 0, 0, 0, 0, 0);
}

static long number(const char *digits)
{
	long n = 0;

	while (*digits >= '0' && *digits <= '9')
		n = 10 * n + (*digits++ - '0');
	return n;
}
