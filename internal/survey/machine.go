package survey

import (
	"context"
	"errors"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/check"
	"github.com/availd/availd/internal/limits"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/sockdiag"
)

// patience bounds what is asked of systemd, and each other program: for who waits for the
// answer that is better than none, on a machine that is busy.
const patience = 20 * time.Second

// look sees how the machine looks to a service.
func look(f *check.Facts, userManager bool) *check.Machine {
	m := &check.Machine{Paths: map[string]check.Path{}, Missing: map[string]bool{}, GroupNumbers: map[string]int{}, Ways: map[string][]check.Directory{}}
	m.Room.PerWorker = limits.Unknown
	names(f, m)
	paths(f, m, userManager)
	for _, u := range f.Sockets {
		if f.State.Sockets[u.Name].Active != "active" {
			for _, l := range u.Listens() {
				if h := holderOf(l.Value); h != nil {
					m.Holders = append(m.Holders, *h)
				}
			}
		}
		for _, l := range u.Listens() {
			if filepath.IsAbs(l.Value) {
				m.Ways[l.Value] = way(l.Value)
			}
		}
	}
	m.Kernel = kernel()
	m.Calls = calls()
	return m
}

// kernel tries what availd needs of it.
func kernel() (k check.Kernel) {
	if fd, err := unix.PidfdOpen(unix.Getpid(), 0); err == nil {
		k.Pidfd = true
		_ = unix.Close(fd)
	}
	if fd, err := unix.MemfdCreate("availd-check", unix.MFD_CLOEXEC); err == nil {
		k.Memfd = true
		_ = unix.Close(fd)
	}
	k.CloseRange = unix.CloseRange(1<<30, 1<<30, 0) == nil
	diag := sockdiag.New()
	defer func() { _ = diag.Close() }()
	k.SockDiag = diag.NamedConnections(func([]byte, uint32) {}) == nil
	return k
}

// calls are the sets of system calls that filters may name, nil if systemd does not tell
// them.
func calls() map[string][]string {
	out, err := output("systemd-analyze", "--no-pager", "syscall-filter")
	if err != nil {
		return nil
	}
	sets, set := map[string][]string{}, ""
	for line := range strings.Lines(out) {
		word := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "@"):
			set = word
		case word == "" || strings.HasPrefix(word, "#") || set == "":
		default:
			sets[set] = append(sets[set], word)
		}
	}
	return sets
}

// output is that of a program that only answers.
func output(words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	return string(out), err
}

// names looks users and groups up, of whom getent(1) knows also those of a directory.
func names(f *check.Facts, m *check.Machine) {
	dynamic := f.Service.Yes("DynamicUser")
	seek := func(u *check.Unit, key, database string) {
		for _, s := range u.Settings {
			if s.Key != key || s.Value == "" || number(s.Value) || strings.Contains(s.Value, "%") || dynamic && u.Name == f.Service.Name {
				continue
			}
			out, err := output("getent", database, s.Value)
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 2 { // it is not there
				m.Missing[key+"="+s.Value] = true
			}
			if fields := strings.Split(out, ":"); err == nil && len(fields) > 2 && database == "group" {
				m.GroupNumbers[s.Value], _ = strconv.Atoi(fields[2])
			}
		}
	}
	seek(&f.Service, "User", "passwd")
	seek(&f.Service, "Group", "group")
	for i := range f.Sockets {
		seek(&f.Sockets[i], "SocketUser", "passwd")
		seek(&f.Sockets[i], "SocketGroup", "group")
	}
}

func number(s string) bool { return strings.Trim(s, "0123456789") == "" }

// way are the directories on the way to a path.
func way(path string) (all []check.Directory) {
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		var st unix.Stat_t
		if unix.Stat(dir, &st) == nil {
			all = append(all, check.Directory{Path: dir, Mode: st.Mode & 0o7777, UID: int(st.Uid), GID: int(st.Gid)})
		}
	}
	return all
}

// Strays are workers that listen on something that the service does not have.
func Strays(main int, workers []int) (all []check.Stray) {
	own := map[uint64]bool{}
	for file, err := range procfs.Files(main, 0, maxFiles) {
		if err != nil {
			return nil
		}
		if inode, is := file.Socket(); is {
			own[inode] = true
		}
	}
	listening := listeners()
	for _, pid := range workers[:min(len(workers), maxWorkers)] {
		for file, err := range procfs.Files(pid, 0, maxFiles) {
			if err != nil {
				break
			}
			inode, is := file.Socket()
			i := slices.IndexFunc(listening, func(l listener) bool { return l.inode == inode })
			if is && !own[inode] && i >= 0 {
				all = append(all, check.Stray{PID: pid, Address: listening[i].String()})
				break
			}
		}
	}
	return all
}

// Bounds of a look at workers, which are all alike.
const (
	maxFiles   = 4096
	maxWorkers = 16
)

// account is a user by its numbers, ok if they are known.
func account(name string) (uid int, gids []int, ok bool) {
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return 0, nil, false
		}
	}
	ids, err := u.GroupIds()
	if err != nil {
		return 0, nil, false
	}
	for _, id := range append(ids, u.Gid) {
		if n, err := strconv.Atoi(id); err == nil {
			gids = append(gids, n)
		}
	}
	uid, err = strconv.Atoi(u.Uid)
	return uid, gids, err == nil
}

// Memory adds what a worker takes.
func Memory(f *check.Facts, workers []int) {
	if f.Machine != nil {
		f.Machine.Room.PerWorker = limits.Read(workers, procfs.Anonymous).PerWorker
	}
}
