package nowait

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reserved says how many threads there are before and after more goroutines than
// places want to wait in system calls, others compute, and one is locked to its thread.
func reserved() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGUSR1) // which has a thread wait for them
	runtime.GOMAXPROCS(1)
	ReserveThreads()
	before := threadCount()
	refuse(unix.SYS_CLONE)
	refuse(unix.SYS_CLONE3)
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		panic(err)
	}
	var all, in sync.WaitGroup
	in.Add(shared)
	var once sync.Mutex
	entered := 0
	for range 100 {
		all.Go(func() {
			Blocking(func() {
				once.Lock()
				if entered++; entered <= shared {
					in.Done()
				}
				once.Unlock()
				var b [1]byte
				_, _ = unix.Read(p[0], b[:])
			})
		})
		all.Go(func() {
			x := 1
			for i := range 1 << 20 {
				x = x*31 + i
			}
			_ = x
		})
	}
	in.Wait()
	during := threadCount()
	_, _ = unix.Write(p[1], make([]byte, 100))
	all.Wait()
	a := Allowance{Share: 1} // which keeps its thread, and has another run what goes on meanwhile
	a.BeginAnyway()
	for range 3 {
		all.Go(func() { runtime.Gosched() })
		all.Wait()
	}
	a.End()
	_, _ = io.WriteString(os.Stdout, strconv.Itoa(before)+" "+strconv.Itoa(during)+" "+strconv.Itoa(threadCount()))
}

// refuse makes a system call fail from now on as at a limit of tasks, for all threads
// (seccomp(2)). Go's runtime ends a process that is refused a thread.
func refuse(number uint32) {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EAGAIN)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&filter))); errno != 0 {
		panic(errno)
	}
}

// TestReserveThreads: whatever waits and computes later, no thread is started for it, nor need
// one be, when the system refuses them.
func TestReserveThreads(t *testing.T) {
	for range 5 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "THREADS_TEST=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		n := strings.Fields(string(out))
		if len(n) != 3 || n[0] != n[1] || n[1] != n[2] {
			t.Errorf("threads before, during and after: %q, want the same number", out)
		}
	}
}
