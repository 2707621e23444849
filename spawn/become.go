package spawn

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// becomeName is argument 0 of the first image of a worker, by which main knows
// it; startVariable carries what the image needs to know, and never reaches the
// worker.
const (
	becomeName    = "availd: a worker is being started"
	startVariable = "AVAILD_START="
)

// ExitExec is the exit status of a worker whose command could not be executed
// (EXIT_EXEC of systemd.exec(5)).
const ExitExec = 203

// becoming is what the first image is told.
type becoming struct {
	ignoreSIGPIPE bool
	files         int      // descriptors that the worker gets
	pids          []string // variables that say its pid
}

func (b becoming) variable() string {
	return fmt.Sprintf("%s%t:%d:%s", startVariable, b.ignoreSIGPIPE, b.files, strings.Join(b.pids, ","))
}

// parseBecoming reads what variable wrote; nobody else writes it.
func parseBecoming(text string) becoming {
	words := strings.Split(text+"::", ":")
	b := becoming{ignoreSIGPIPE: words[0] == "true"}
	var err error
	if b.files, err = strconv.Atoi(words[1]); err != nil {
		b.files = 3
	}
	if words[2] != "" {
		b.pids = strings.Split(words[2], ",")
	}
	return b
}

// Become must be the first thing that main does. In an ordinary process it
// returns at once. In the first image of a worker it never returns: it makes
// the process what the worker expects and executes the command.
func Become() {
	if len(os.Args) < 3 || os.Args[0] != becomeName {
		return
	}
	err := become(os.Args[1], os.Args[2:])
	fmt.Fprintf(os.Stderr, "availd: execute %s: %v\n", os.Args[1], err)
	os.Exit(ExitExec)
}

func become(path string, argv []string) error {
	env, b := ownEnviron(os.Environ())
	runtime.LockOSThread() // the mask below is this thread's, and execve keeps it
	if err := resetSignals(b.ignoreSIGPIPE); err != nil {
		return err
	}
	closeOthers(b.files)
	// syscall.Exec undoes what Go's runtime did to RLIMIT_NOFILE.
	return syscall.Exec(path, argv, env)
}

// ownEnviron takes the start variable out and says the pid.
func ownEnviron(environ []string) ([]string, becoming) {
	pid := strconv.Itoa(os.Getpid())
	env := make([]string, 0, len(environ)+4)
	var b becoming
	for _, v := range environ {
		if rest, ok := strings.CutPrefix(v, startVariable); ok {
			b = parseBecoming(rest)
			continue
		}
		env = append(env, v)
	}
	for _, name := range b.pids {
		env = append(env, name+"="+pid)
	}
	return env, b
}

// sigaction is the kernel's struct of rt_sigaction(2). Only the handler is ever
// set, and it stands first on every architecture that Go knows.
type sigaction struct {
	handler uintptr
	rest    [3]uint64
}

const sigIgn = 1

// resetSignals gives every signal its default disposition, SIGPIPE the one that
// availd found, and the thread an empty mask. Go's runtime has replaced what
// was inherited by handlers of its own, which would end with execve, but it
// leaves some signals alone.
func resetSignals(ignoreSIGPIPE bool) error {
	for sig := 1; sig <= 64; sig++ {
		if sig == int(unix.SIGKILL) || sig == int(unix.SIGSTOP) {
			continue
		}
		var act sigaction
		if sig == int(unix.SIGPIPE) && ignoreSIGPIPE {
			act.handler = sigIgn
		}
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
			uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
		if errno != 0 {
			return os.NewSyscallError("rt_sigaction", errno)
		}
	}
	var none unix.Sigset_t
	return os.NewSyscallError("rt_sigprocmask", unix.PthreadSigmask(unix.SIG_SETMASK, &none, nil))
}

// closeOthers sees to it that the command gets no descriptor from first on: the
// process that started availd may have left some open that nobody asked for.
// close_range(2) is Linux 5.11 for that flag; before it, one by one.
func closeOthers(first int) {
	if unix.CloseRange(uint(first), 1<<31-1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= first {
			unix.CloseOnExec(fd)
		}
	}
}
