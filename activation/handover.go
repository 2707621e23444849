package activation

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// handOver is how one image of this program passes descriptors to the next one
// in the same process: PID:FD:NAME:FD:NAME… A name has no colon. LISTEN_FDS
// would need the numbers from 3 on, which are in use in a process that must be
// able to go on if the exec fails. A list for which a variable has no room is in a file
// in memory: PID:@FD, which an availd before 0.1.0 does not know.
const handOver = "AVAILD_HANDOVER"

// maxVariable is the longest variable of an environment, with its NUL
// (MAX_ARG_STRLEN of execve(2)). It has room for some 5,000 descriptors.
const maxVariable = 128 << 10

// HandOver prepares descriptors for an exec: they lose their close-on-exec
// flag. It returns the variable for the next image's environment, where
// [Inherited] takes them, and a function that undoes it all.
func HandOver(list []Stored) (variable string, undo func(), err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", os.Getpid())
	file := -1
	undo = func() {
		for _, s := range list {
			unix.CloseOnExec(s.FD)
		}
		if file >= 0 {
			_ = unix.Close(file)
		}
	}
	for _, s := range list {
		if _, err := unix.FcntlInt(uintptr(s.FD), unix.F_SETFD, 0); err != nil {
			undo()
			return "", nil, os.NewSyscallError("fcntl F_SETFD", err)
		}
		fmt.Fprintf(&b, ":%d:%s", s.FD, s.Name)
	}
	text := b.String()
	if len(handOver)+len(text)+2 > maxVariable {
		if file, err = listFile(text); err != nil {
			undo()
			return "", nil, err
		}
		text = fmt.Sprintf("%d:@%d", os.Getpid(), file)
	}
	return handOver + "=" + text, undo, nil
}

// listFile is a file in memory with the list. It is not close-on-exec.
func listFile(text string) (int, error) {
	fd, err := unix.MemfdCreate("availd.handover", 0)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	for rest := []byte(text); len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil {
			_ = unix.Close(fd)
			return -1, os.NewSyscallError("write", err)
		}
		rest = rest[n:]
	}
	return fd, nil
}

// readList is the list in such a file, whose descriptor is closed.
func readList(number string) (string, error) {
	fd, err := strconv.Atoi(number)
	if err != nil || !inherited(fd) {
		return "", garbage(fmt.Sprintf("%s names file %q, which is not there", handOver, clip(number)))
	}
	f := os.NewFile(uintptr(fd), "availd.handover")
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxList))
	if err != nil {
		return "", garbage(fmt.Sprintf("%s cannot be read: %v", handOver, err))
	}
	return string(text), nil
}

// maxList is more than a process can have descriptors (fs.nr_open is 1 Mi by default).
const maxList = 64 << 20

// handedOver takes what an earlier image of this process passed; false: there
// was none.
func handedOver() ([]Stored, bool, error) {
	text, ok := os.LookupEnv(handOver)
	if !ok {
		return nil, false, nil
	}
	_ = os.Unsetenv(handOver)
	if pid, number, is := strings.Cut(text, ":@"); is && pid == strconv.Itoa(os.Getpid()) {
		var err error
		if text, err = readList(number); err != nil {
			return nil, true, err
		}
	}
	if pid, _, _ := strings.Cut(text, ":"); pid != strconv.Itoa(os.Getpid()) {
		return nil, false, nil // an earlier process of this name left it behind
	}
	list, err := parseList(text, inherited)
	for _, s := range list {
		unix.CloseOnExec(s.FD)
	}
	if err != nil {
		closeReceived(list)
		return nil, true, err
	}
	return list, true, nil
}

// parseList takes a list apart, whose descriptors have to be there, each of them once:
// what is handed over has one owner. On error it returns those before the fault.
func parseList(text string, isThere func(fd int) bool) (list []Stored, err error) {
	words := strings.Split(text, ":")
	if len(words)%2 != 1 {
		return nil, garbage(handOver + " is damaged")
	}
	seen := map[int]bool{}
	for i := 1; i < len(words); i += 2 {
		fd, err := strconv.Atoi(words[i])
		if err != nil || fd < firstFD || seen[fd] || !isThere(fd) {
			return list, garbage(fmt.Sprintf("%s names descriptor %q, which is not there", handOver, clip(words[i])))
		}
		seen[fd] = true
		list = append(list, Stored{FD: fd, Name: words[i+1]})
	}
	return list, nil
}
