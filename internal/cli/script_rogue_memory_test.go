package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// cut does to the memory of availd what a process of the same user may try: it opens the
// descriptors of availd, cuts the memory and seals it.
// It returns how many there are, and what was not refused.
func cut() any {
	dir := fmt.Sprintf("/proc/%d/fd", os.Getppid())
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	tried, done := 0, []string{}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		link, err := os.Readlink(path)
		if err != nil || !strings.HasPrefix(link, "/memfd:") {
			continue
		}
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		tried++
		if !errors.Is(unix.Ftruncate(fd, 0), unix.EPERM) {
			done = append(done, "cut "+link)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_GROW|unix.F_SEAL_FUTURE_WRITE); !errors.Is(err, unix.EPERM) {
			done = append(done, "sealed "+link)
		}
		_ = unix.Close(fd)
	}
	return fmt.Sprintf("%t %q", tried > 0, done)
}

// joinGroup moves this worker into the process group of another one.
func joinGroup() error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		text, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "stat")) // it is gone
		rest := string(text[max(strings.LastIndexByte(string(text), ')'), 0):])
		if words := strings.Fields(rest); len(words) > 2 && words[2] == strconv.Itoa(os.Getppid()) {
			return unix.Setpgid(0, pid)
		}
	}
	return unix.ESRCH
}
