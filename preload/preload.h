// SPDX-License-Identifier: Apache-2.0
//
// What the files of availd-preload.so share.

// say writes a line to standard error if AVAILD_PRELOAD_DEBUG is set.
void say(const char *what);

// number reads a decimal number and goes on behind it; -1 = there is none.
long number(const char **text);

// know_sockets is told the numbers of the sockets: the first, and, as text, how many.
void know_sockets(long first, const char *count);

// listens reports whether fd is one of them, also by another number; those are found if
// learns is not 0, by a system call.
int listens(int fd, int learns);

// watch books that fd is in an epoll set, or is not any more. in_epoll, in_poll and
// in_select report whether one of the sockets is among those that are waited for.
void watch(int set, int fd, int is);
int in_epoll(int set);
int in_poll(const struct pollfd *fds, nfds_t n, int learns);
int in_select(int n, const fd_set *in, int learns);

// template_fd is the descriptor on which a template is asked for workers; 0 = this is none.
// fork_workers keeps a template, and returns 0 in each worker; -1 = a signal came.
extern int template_fd;
int fork_workers(void);

// availd_fork forks a worker as a template has to; programs may look it up by this name.
pid_t availd_fork(void);

// take_place gives this process the place on the board that the text names.
void take_place(const char *text);
