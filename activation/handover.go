package activation

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// handOver is how one image of this program passes descriptors to the next one
// in the same process: PID:FD:NAME:FD:NAME… A name has no colon. LISTEN_FDS
// would need the numbers from 3 on, which are in use in a process that must be
// able to go on if the exec fails.
const handOver = "AVAILD_HANDOVER"

// maxVariable is the longest variable of an environment, with its NUL
// (MAX_ARG_STRLEN of execve(2)). It holds some 5,000 descriptors.
const maxVariable = 128 << 10

// HandOver prepares descriptors for an exec: they lose their close-on-exec
// flag. It returns the variable for the next image's environment, where
// [Inherited] takes them, and a function that undoes it all. The end of a list for
// which a variable has no room is left out.
func HandOver(list []Stored) (variable string, undo func(), err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s=%d", handOver, os.Getpid())
	undo = func() {
		for _, s := range list {
			unix.CloseOnExec(s.FD)
		}
	}
	for _, s := range list {
		word := fmt.Sprintf(":%d:%s", s.FD, s.Name)
		if b.Len()+len(word) >= maxVariable {
			break
		}
		if _, err := unix.FcntlInt(uintptr(s.FD), unix.F_SETFD, 0); err != nil {
			undo()
			return "", nil, os.NewSyscallError("fcntl F_SETFD", err)
		}
		b.WriteString(word)
	}
	return b.String(), undo, nil
}

// handedOver takes what an earlier image of this process passed; false: there
// was none.
func handedOver() ([]Stored, bool, error) {
	text, ok := os.LookupEnv(handOver)
	if !ok {
		return nil, false, nil
	}
	_ = os.Unsetenv(handOver)
	words := strings.Split(text, ":")
	if words[0] != strconv.Itoa(os.Getpid()) {
		return nil, false, nil // an earlier process of this name left it behind
	}
	if len(words)%2 != 1 {
		return nil, true, garbage(handOver + " is damaged")
	}
	var list []Stored
	for i := 1; i < len(words); i += 2 {
		fd, err := strconv.Atoi(words[i])
		if err != nil || !inherited(fd) {
			closeReceived(list)
			return nil, true, garbage(fmt.Sprintf("%s names descriptor %q, which is not there", handOver, words[i]))
		}
		unix.CloseOnExec(fd)
		list = append(list, Stored{FD: fd, Name: words[i+1]})
	}
	return list, true, nil
}
