package survey

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/check"
)

// paths looks at the paths that the unit names as the service's user.
func paths(f *check.Facts, m *check.Machine, userManager bool) {
	name := f.Service.Value("User")
	dynamic := f.Service.Yes("DynamicUser")
	switch {
	case userManager:
		m.User = "this user"
	case dynamic:
		m.User = "the user of DynamicUser=yes"
	case name == "":
		m.User = "root"
	default:
		m.User = "the user " + name
	}
	var all []string
	for _, n := range f.Names() {
		if !slices.Contains(all, n.Path) {
			all = append(all, n.Path)
		}
	}
	if len(m.Missing) == 0 && inside(f, m, all, userManager) {
		return
	}
	if f.Service.Value("RootDirectory")+f.Service.Value("RootImage") != "" {
		return // what is there is another file
	}
	uid, gids, known := os.Getuid(), []int(nil), true
	switch {
	case userManager:
	case dynamic && name == "":
		uid = -1 // nobody's
	case name == "" || name == "root" || name == "0":
		uid = 0
	default:
		uid, gids, known = account(name)
	}
	for _, path := range all {
		if uid == os.Getuid() {
			m.Paths[path] = Look(path)
		} else if known {
			if p, ok := lookAs(path, uid, gids); ok {
				m.Paths[path] = p
			}
		}
	}
}

// Look looks at a path as this process.
func Look(path string) (p check.Path) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
			p.Why = err.Error()
		}
		return p
	}
	p.Exists, p.Directory = true, st.Mode&unix.S_IFMT == unix.S_IFDIR
	p.Executable = unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) == nil
	p.Readable = unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS) == nil
	if st.Mode&unix.S_IFMT == unix.S_IFREG {
		interpreter(path, &p)
	}
	return p
}

// interpreter reads the first line of a script, and sees whether what it names is there.
func interpreter(path string, p *check.Path) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	line, _ := bufio.NewReaderSize(file, 256).ReadSlice('\n') // as much as the kernel reads
	text, isScript := strings.CutPrefix(string(line), "#!")
	words := strings.Fields(text)
	if !isScript || len(words) == 0 {
		return
	}
	p.Interpreter = words[0]
	if strings.HasSuffix(strings.TrimRight(text, "\n"), "\r") && len(words) == 1 { // a file of another system's editor
		p.Interpreter = words[0] + "\\r"
		p.Broken = true
		return
	}
	p.Broken = errors.Is(unix.Access(words[0], unix.F_OK), unix.ENOENT)
}

// lookAs looks at a path by the modes of the files, for a user by numbers; false: this
// process may not look there. uid 0 may everything but execute what nobody may.
func lookAs(path string, uid int, gids []int) (p check.Path, ok bool) {
	var st unix.Stat_t
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if unix.Stat(dir, &st) == nil && !permits(st, uid, gids, 1) {
			return check.Path{Why: "permission denied at " + dir}, true
		}
		if dir == "/" {
			break
		}
	}
	p = Look(path)
	if p.Why != "" || !p.Exists {
		return p, p.Why == ""
	}
	if unix.Stat(path, &st) != nil {
		return p, false
	}
	p.Executable = permits(st, uid, gids, 1) && (p.Directory || st.Mode&0o111 != 0)
	p.Readable = permits(st, uid, gids, 4)
	return p, true
}

func permits(st unix.Stat_t, uid int, gids []int, bit uint32) bool {
	switch {
	case uid == 0:
		return true
	case int(st.Uid) == uid:
		return st.Mode>>6&bit != 0
	case slices.Contains(gids, int(st.Gid)):
		return st.Mode>>3&bit != 0
	}
	return st.Mode&bit != 0
}

// InsideVariable has availd check look at paths from inside, for the one that started it.
const InsideVariable = "AVAILD_CHECK_INSIDE"

// confining are the settings of a service that decide what its processes see and may do.
// Directories that systemd makes and removes are none of them: they are the service's.
var confining = []string{
	"User", "Group", "SupplementaryGroups", "DynamicUser", "CapabilityBoundingSet", "AmbientCapabilities", "NoNewPrivileges",
	"SecureBits", "ProtectSystem", "ProtectHome", "ProtectProc", "ProcSubset", "ProtectKernelTunables", "ProtectControlGroups",
	"PrivateTmp", "PrivateDevices", "PrivateUsers", "PrivateMounts", "InaccessiblePaths", "ReadOnlyPaths", "ReadWritePaths",
	"BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem", "RootDirectory", "RootImage", "MountAPIVFS", "NoExecPaths", "ExecPaths",
	"SELinuxContext", "AppArmorProfile", "SystemCallFilter", "SystemCallErrorNumber", "SystemCallArchitectures",
	"RestrictAddressFamilies", "RestrictNamespaces", "MemoryDenyWriteExecute", "LockPersonality",
}

// inside looks from inside the confinement, by a service of a moment; false: that is not
// possible.
func inside(f *check.Facts, m *check.Machine, all []string, userManager bool) bool {
	own, err := os.Executable()
	if err != nil || !userManager && os.Geteuid() != 0 || !sameFile(own, f.Run.Binary) {
		return false
	}
	question, _ := json.Marshal(all)
	words := []string{"--quiet", "--pipe", "--wait", "--collect", "--service-type=exec", "--no-ask-password", "-E", InsideVariable + "=" + string(question)}
	if userManager {
		words = append([]string{"--user"}, words...)
	}
	for _, s := range f.Service.Settings {
		if s.Section == "Service" && slices.Contains(confining, s.Key) {
			words = append(words, "-p", s.Key+"="+check.Expand(s.Value, f.Service.Name))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemd-run", append(words, f.Run.Binary, "check")...)
	cmd.WaitDelay = time.Second
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
		if why := failures[exit.ExitCode()]; why != "" {
			m.Gone, m.Inside = why, true
			return true
		}
	}
	if err != nil || json.Unmarshal(out, &m.Paths) != nil {
		return false
	}
	m.Inside = true
	return true
}

// failures are the exit statuses by which systemd says that it could not make the
// confinement (systemd.exec(5)), where that is the unit's fault. Others may be the
// question's.
var failures = map[int]string{
	216: "there is no such group (status 216/GROUP)",
	217: "there is no such user (status 217/USER)",
	226: "a path of ReadWritePaths=, BindPaths= or the like does not exist, or the root directory is none (status 226/NAMESPACE)",
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

// Inside answers the question of the variable: how the paths look from here, as JSON.
func Inside(question string) ([]byte, error) {
	var all []string
	if err := json.Unmarshal([]byte(question), &all); err != nil {
		return nil, err
	}
	answer := map[string]check.Path{}
	for _, path := range all {
		answer[path] = Look(path)
	}
	return json.Marshal(answer)
}
