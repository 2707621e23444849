// SPDX-License-Identifier: Apache-2.0
//
// availd-preload.so reports for a worker that knows nothing of availd. The dynamic linker
// loads it into the program (LD_PRELOAD). On the board of availd-worker(7) it says busy when
// accept(2) has returned a connection of a socket that was handed over, and idle when the
// program comes back for the next, or waits for it. Where one bit cannot tell what the worker
// can take, it gives up its place, and says why. With --template=preload the program becomes
// a template the first time that it waits for a client. All state is in a page that fork(2)
// wipes. Once the program accepts, no call is made but write(2), as a seccomp filter may end
// the process for another; getsockname(2) and getsockopt(2) are left for programs that open
// files between clients, or duplicate the socket. errno is kept. Only symbols are used that
// glibc 2.34 and musl share. The reasons are in docs/adr/0016-preload.md.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

// The board. A test compares these with the constants of package worker.
#define BOARD_MAGIC 0x42646c6961766100
enum { BOARD_VERSION = 1, BOARD_WORDS = 64, BOARD_CALL = 64, BOARD_IDLE = 128, BOARD_LOW = 640,
       BOARD_LINES = 4096, BOARD_LINE = 64, BOARD_SIZE = 266240 };
enum { BOARD_OWNER, BOARD_TURNS, BOARD_NOTE };                     // words of a line
enum { NOTE_LOADED = 1, NOTE_CLIENTS, NOTE_THREADS, NOTE_CLOSED }; // what the note says

#define LOAD(p) __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define SWAP(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define SWAP_IF(p, was, v) __atomic_compare_exchange_n(p, was, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

static struct place {
	int held;                            // 0: this process has no place, or not any more
	uint64_t *line, *words, *idle, *low; // ours, all words of bits, that of our bit, its low-water mark
	uint64_t *call, bit, generation;
	void *thread;                        // that accepts; NULL: nobody has yet
	int wake, busy, client;              // client is the connection accepted last
} *place; // the page that fork wipes; NULL: there never was a place

// wake wakes availd, and reports whether the event is there. An eventfd refuses a write of no
// bytes with EINVAL; what the program may have opened in its place does not.
static int wake(struct place *p)
{
	uint64_t one = 1;
	int kept = errno, found = syscall(SYS_write, p->wake, &one, 0) < 0 && errno == EINVAL;
	if (found)
		syscall(SYS_write, p->wake, &one, sizeof one);
	errno = kept;
	return found;
}

// withdraw gives the place up. The reason is there before the bit goes.
static void withdraw(struct place *p, uint64_t why, const char *text)
{
	if (!SWAP(&p->held, 0))
		return;
	STORE(&p->line[BOARD_NOTE], why);
	__atomic_and_fetch(p->idle, ~p->bit, __ATOMIC_SEQ_CST);
	wake(p);
	say(text);
}

static void wake_or_withdraw(struct place *p)
{
	if (!wake(p))
		withdraw(p, NOTE_CLOSED, "the wake event was closed, silent from now on");
}

// called reports whether availd wants to hear of the next change, whatever it is.
static int called(struct place *p) { return LOAD(p->call) && SWAP(p->call, 0); }

static int all_busy(const uint64_t *words)
{
	int i = 0;
	while (i < BOARD_WORDS && !LOAD(&words[i]))
		i++;
	return i == BOARD_WORDS;
}

// own is the place of this process, if the calling thread is the one that accepts. The first
// that waits for a client is, and so the worker joins the board.
static struct place *own(void)
{
	struct place *p = place;
	void *nobody = NULL, *me = __builtin_thread_pointer();
	if (!p || !LOAD(&p->held))
		return NULL;
	if (LOAD(&p->thread) == me)
		return p;
	if (!SWAP_IF(&p->thread, &nobody, me)) {
		withdraw(p, NOTE_THREADS, "several threads accept, silent from now on");
		return NULL;
	}
	say("joins the board");
	__atomic_or_fetch(p->idle, p->bit, __ATOMIC_SEQ_CST);
	STORE(&p->line[BOARD_OWNER], p->generation);
	wake_or_withdraw(p); // nothing else tells availd
	return p;
}

// take_place maps the board: "BOARD WAKE SLOT GENERATION FIRST LISTENERS", of which the board,
// the event and the first socket are descriptors. A template has a slot that does not exist.
// It happens before the program can close anything, or forbid itself calls; what is mapped
// in a template is so in its forks.
void take_place(const char *text)
{
	static char *b;
	int board = number(&text), event = number(&text);
	long slot = number(&text), generation = number(&text), first = number(&text);
	struct place *p = place;
	know_sockets(first, text);
	if (!b && lseek(board, 0, SEEK_END) >= BOARD_SIZE) {
		b = mmap(NULL, BOARD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, board, 0);
		p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (b == MAP_FAILED || p == MAP_FAILED || madvise(p, sizeof *p, MADV_WIPEONFORK))
			p = NULL;
		place = p;
	}
	if (!p || slot < 0 || slot >= 64 * BOARD_WORDS || *(uint64_t *)b != BOARD_MAGIC || *(uint32_t *)(b + 8) != BOARD_VERSION)
		return;
	p->line = (uint64_t *)(b + BOARD_LINES + slot * BOARD_LINE);
	p->words = (uint64_t *)(b + BOARD_IDLE);
	p->idle = p->words + slot / 64;
	p->low = (uint64_t *)(b + BOARD_LOW) + slot / 64;
	p->call = (uint64_t *)(b + BOARD_CALL);
	p->bit = 1ULL << slot % 64;
	p->generation = generation;
	p->wake = event;
	p->client = -1;
	p->busy = p->line[BOARD_TURNS] % 2; // an earlier image of this process held a client
	p->held = 1;
	STORE(&p->line[BOARD_NOTE], NOTE_LOADED);
	say("has a place on the board");
}

// begin is called before main. A process that the worker has started finds the variables
// too, and another pid in them than its own.
__attribute__((constructor)) static void begin(void)
{
	const char *pid = getenv("AVAILD_PRELOAD_PID"), *text = getenv("AVAILD_PRELOAD"), *fd = getenv("AVAILD_TEMPLATE_FD");
	if (!pid || !text || number(&pid) != getpid())
		return;
	template_fd = fd ? atoi(fd) : 0;
	take_place(text);
}

// waits: the program waits for the next client. Not 0: it is to see EINTR instead.
static int waits(void)
{
	struct place *p;
	if (template_fd && fork_workers())
		return -1;
	p = own();
	if (!p || !p->busy)
		return 0;
	p->busy = 0;
	STORE(&p->line[BOARD_TURNS], p->line[BOARD_TURNS] + 1);
	__atomic_or_fetch(p->idle, p->bit, __ATOMIC_SEQ_CST);
	if (called(p))
		wake_or_withdraw(p);
	return 0;
}

// same_listener reports whether two connections came in by the same socket: the earlier
// number may be in use for something else by now. A port has the same place in all families.
static int same_listener(int a, int b)
{
	union { struct sockaddr any; char bytes[128]; } x = {{0}}, y = {{0}};
	socklen_t n = sizeof x, m = sizeof y;
	int kept = errno, known = !getsockname(a, &x.any, &n) && !getsockname(b, &y.any, &m);
	errno = kept;
	return known && !memcmp(&x, &y, x.any.sa_family == AF_UNIX ? sizeof x : 4);
}

// accepted: the program has got a connection. The bit goes first, then comes the look.
static int accepted(int client)
{
	struct place *p = own();
	uint64_t left, low, n;
	if (p && p->client >= 0 && p->client != client && same_listener(p->client, client))
		withdraw(p, NOTE_CLIENTS, "several clients at once, silent from now on");
	if (!p || !LOAD(&p->held))
		return client;
	p->client = client;
	p->busy = 1;
	STORE(&p->line[BOARD_TURNS], p->line[BOARD_TURNS] + 1);
	left = __atomic_and_fetch(p->idle, ~p->bit, __ATOMIC_SEQ_CST);
	n = __builtin_popcountll(left);
	for (low = LOAD(p->low); n < low && !SWAP_IF(p->low, &low, n);)
		;
	if ((!left && all_busy(p->words)) || called(p))
		wake_or_withdraw(p);
	return client;
}

// learns reports whether it is worth a system call to find out whether a number that is not
// known is one of the sockets: if the program accepts from it, or has not waited for one yet.
static int learns(int accepts)
{
	return template_fd || (place && place->held && (accepts || !place->thread));
}

// What is intercepted; RTLD_NEXT finds what the program would have called without us. A wait
// that ends at once (timeout 0) is a question in the middle of something, and says nothing.
#define INTERCEPT(f, parameters) static int (*next_##f) parameters; __attribute__((visibility("default"))) int f parameters
#define FAIL(why) { errno = why; return -1; }
#define FIND(f) if (!next_##f && !(next_##f = dlsym(RTLD_NEXT, #f))) FAIL(ENOSYS)
#define ACCEPT(f, fd, ...) { int client, ours = listens(fd, learns(1)); FIND(f) if (ours && waits()) FAIL(EINTR) \
	client = next_##f(fd, __VA_ARGS__); return ours && client >= 0 ? accepted(client) : client; }
#define WAIT(f, ends, in, ...) { FIND(f) if (!(ends) && in && waits()) FAIL(EINTR) return next_##f(__VA_ARGS__); }
#define ENDS(t, part) (t && !t->tv_sec && !t->part)
#define TIME const struct timespec *t
#define MASK const sigset_t *mask
#define SETS int n, fd_set *in, fd_set *out, fd_set *bad
#define GOT int set, struct epoll_event *e, int n

INTERCEPT(accept, (int fd, struct sockaddr *to, socklen_t *n)) ACCEPT(accept, fd, to, n)
INTERCEPT(accept4, (int fd, struct sockaddr *to, socklen_t *n, int flags)) ACCEPT(accept4, fd, to, n, flags)
INTERCEPT(poll, (struct pollfd *p, nfds_t n, int t)) WAIT(poll, !t, in_poll(p, n, learns(0)), p, n, t)
INTERCEPT(__poll_chk, (struct pollfd *p, nfds_t n, int t, size_t size)) WAIT(__poll_chk, !t, in_poll(p, n, learns(0)), p, n, t, size)
INTERCEPT(ppoll, (struct pollfd *p, nfds_t n, TIME, MASK)) WAIT(ppoll, ENDS(t, tv_nsec), in_poll(p, n, learns(0)), p, n, t, mask)
INTERCEPT(__ppoll_chk, (struct pollfd *p, nfds_t n, TIME, MASK, size_t size)) WAIT(__ppoll_chk, ENDS(t, tv_nsec), in_poll(p, n, learns(0)), p, n, t, mask, size)
INTERCEPT(select, (SETS, struct timeval *t)) WAIT(select, ENDS(t, tv_usec), in_select(n, in, learns(0)), n, in, out, bad, t)
INTERCEPT(pselect, (SETS, TIME, MASK)) WAIT(pselect, ENDS(t, tv_nsec), in_select(n, in, learns(0)), n, in, out, bad, t, mask)
INTERCEPT(epoll_wait, (GOT, int t)) WAIT(epoll_wait, !t, in_epoll(set), set, e, n, t)
INTERCEPT(epoll_pwait, (GOT, int t, MASK)) WAIT(epoll_pwait, !t, in_epoll(set), set, e, n, t, mask)
INTERCEPT(epoll_pwait2, (GOT, TIME, MASK)) WAIT(epoll_pwait2, ENDS(t, tv_nsec), in_epoll(set), set, e, n, t, mask)
INTERCEPT(epoll_ctl, (int set, int op, int fd, struct epoll_event *e))
{
	int failed;
	FIND(epoll_ctl)
	if (!(failed = next_epoll_ctl(set, op, fd, e)) && listens(fd, learns(0)))
		watch(set, fd, op != EPOLL_CTL_DEL && e->events & EPOLLIN);
	return failed;
}
