/*
 * The example http-c-board with pages that cost it its life: /exit ends it with status 3,
 * /segv with a signal of its own making, and /memory with the one that the kernel sends
 * when memory has run out.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The example looks for /sleep in a request with sscanf(3). */
static int scan(const char *text, const char *format, ...)
{
	va_list results;
	int n;

	if (strncmp(text, "GET /exit ", 10) == 0)
		_exit(3);
	if (strncmp(text, "GET /segv ", 10) == 0)
		raise(SIGSEGV);
	if (strncmp(text, "GET /memory ", 12) == 0)
		raise(SIGKILL);
	va_start(results, format);
	n = vsscanf(text, format, results);
	va_end(results);
	return n;
}

#define sscanf scan
#include "../../../examples/http-c-board/worker.c"
