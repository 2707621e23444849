package activation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
)

// The test binary plays the activated service: with this variable it calls
// Inherited and says what it saw.
const roleVariable = "ACTIVATION_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "" {
		keepStrangers()
		os.Exit(m.Run())
	}
	beActivated()
	os.Exit(0)
}

// keepStrangers keeps descriptors that whoever runs the tests left open from
// the children, whose descriptors are counted.
func keepStrangers() {
	entries, err := os.ReadDir("/proc/self/fd")
	must(nil, err)
	for _, e := range entries {
		if n, _ := strconv.Atoi(e.Name()); n >= 3 {
			unix.CloseOnExec(n)
		}
	}
}

// outcome is what the child tells.
type outcome struct {
	Set       activation.Set
	Activated bool
	Error     string
	Problem   *activation.Error // the error, if it is one for the operator
	Left      []string          // variables of the hand-over after the call
	Flags     map[string][2]int // of each one afterwards: F_GETFD, F_GETFL
	AtOnce    []string          // what was open when it returned
	Open      []string          // and in the end
	Accepted  map[string]string // first bytes of a connection on each stream listener
}

// beActivated runs in the child. "self" in the variables stands for its own pid,
// which the parent cannot know in time.
func beActivated() {
	for _, name := range []string{"LISTEN_PID", handOver} {
		if rest, ok := strings.CutPrefix(os.Getenv(name), "self"); ok {
			must(nil, os.Setenv(name, strconv.Itoa(os.Getpid())+rest))
		}
	}
	o := outcome{Flags: map[string][2]int{}, Accepted: map[string]string{}}
	var err error
	o.Set, o.Activated, err = activation.Inherited()
	o.AtOnce = opened()
	if err != nil {
		o.Error = err.Error()
		errors.As(err, &o.Problem)
	}
	for _, line := range os.Environ() {
		if strings.HasPrefix(line, "LISTEN_") || strings.HasPrefix(line, handOver) {
			o.Left = append(o.Left, line)
		}
	}
	for range 3 {
		runtime.GC() // a forgotten *os.File would close its descriptor now
	}
	for _, s := range all(o.Set) {
		fd, err := unix.FcntlInt(uintptr(s.FD), unix.F_GETFD, 0)
		must(nil, err)
		fl, err := unix.FcntlInt(uintptr(s.FD), unix.F_GETFL, 0)
		must(nil, err)
		o.Flags[s.Name] = [2]int{fd, fl & unix.O_NONBLOCK}
		if s.Kind == activation.Stream && os.Getenv(roleVariable) == "accept" {
			o.Accepted[s.Name] = acceptOne(s.FD)
		}
	}
	o.Open = opened()
	must(nil, json.NewEncoder(os.Stdout).Encode(o))
}

func all(set activation.Set) []activation.Socket {
	list := append([]activation.Socket{}, set.Workers...)
	for _, part := range [][]activation.Socket{set.Control, set.Status, set.Agent} {
		list = append(list, part...)
	}
	for _, s := range set.Stored {
		list = append(list, activation.Socket{FD: s.FD, Name: s.Name, Kind: -1})
	}
	return list
}

func acceptOne(fd int) string {
	var buf [16]byte
	conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	must(nil, err)
	defer unix.Close(conn)
	n, err := unix.Read(conn, buf[:])
	must(nil, err)
	return string(buf[:n])
}

// opened lists what the descriptors from 3 on are, without those that the
// runtime opened for itself.
func opened() []string {
	entries, err := os.ReadDir("/proc/self/fd")
	must(nil, err)
	var list []string
	for _, e := range entries {
		link, err := os.Readlink("/proc/self/fd/" + e.Name())
		if n, _ := strconv.Atoi(e.Name()); n < 3 || err != nil || strings.HasPrefix(link, "anon_inode") ||
			strings.HasPrefix(link, "/sys/") || strings.HasSuffix(link, "/fd") {
			continue
		}
		list = append(list, link)
	}
	return list
}

// activate starts the child with descriptors from 3 on and an environment.
func activate(t *testing.T, fds []int, env ...string) outcome {
	t.Helper()
	return playRole(t, "report", fds, env...)
}

func playRole(t *testing.T, role string, fds []int, env ...string) outcome {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(env, roleVariable+"="+role,
		"GORACE=atexit_sleep_ms=0")...) // the race detector's second at exit is too long
	cmd.Stderr = os.Stderr
	for _, fd := range fds {
		cmd.ExtraFiles = append(cmd.ExtraFiles, fileOf(t, fd))
	}
	out, err := cmd.Output()
	must(t, err)
	var o outcome
	must(t, json.Unmarshal(out, &o))
	return o
}

// fileOf makes a file of a descriptor's duplicate, leaving O_NONBLOCK of the
// shared description alone: os.NewFile takes an interest in it, and the file
// would make it blocking again for the child.
func fileOf(t *testing.T, fd int) *os.File {
	t.Helper()
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	must(t, err)
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	must(t, err)
	must(t, unix.SetNonblock(dup, false))
	f := os.NewFile(uintptr(dup), "passed")
	if flags&unix.O_NONBLOCK != 0 {
		must(t, unix.SetNonblock(dup, true))
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// table is the environment systemd would set for names.
func table(names ...string) []string {
	return []string{"LISTEN_PID=self", fmt.Sprintf("LISTEN_FDS=%d", len(names)), "LISTEN_FDNAMES=" + strings.Join(names, ":")}
}

func must(t *testing.T, err error) {
	switch {
	case err == nil:
	case t == nil:
		panic(err)
	default:
		t.Helper()
		t.Fatal(err)
	}
}
