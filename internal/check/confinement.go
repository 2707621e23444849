package check

import (
	"path/filepath"
	"slices"
	"strings"
)

// confinement is about settings that take away what the unit itself names, or what availd
// cannot be without (systemd.exec(5)).
func confinement(f *Facts, r *report) {
	said := map[string]bool{}
	for _, n := range f.Names() {
		h := f.hiddenBy(n.Path)
		if h == nil || said[n.Path] {
			continue
		}
		said[n.Path] = true
		severity := Error
		if n.Line == "ExecStart=" && !n.Execute && n.Path != f.Run.ConfigFile() && n.Path != script(f.Run.Command) {
			// An argument may be a file that the program makes, in a /tmp of its own too.
			if severity = Warning; under(n.Path, "/tmp", "/var/tmp") {
				continue
			}
			h.then = "the program does not find it"
		}
		r.setting(severity, "hidden", &f.Service, "Service", h.line, "%s hides %s of %s from the service: %s", h.by, n.Path, n.Line, h.then)
	}
	f.writable(r)
	f.families(r)
	u := &f.Service
	if v := u.get("MountAPIVFS"); isNo(v) && u.get("RootDirectory")+u.get("RootImage") != "" {
		r.setting(Error, "no-proc", u, "Service", "MountAPIVFS=yes", "without /proc availd cannot tell its workers from other processes, and does not start")
	}
	for _, word := range u.words("InaccessiblePaths") {
		if under("/proc/self", strings.TrimLeft(word, "-+")) {
			r.setting(Error, "no-proc", u, "Service", "InaccessiblePaths=", "without /proc availd cannot tell its workers from other processes, and does not start; take %s out", word)
		}
	}
	if isYes(u.get("PrivatePIDs")) {
		r.setting(Error, "private-pids", u, "Service", "PrivatePIDs=no", "the kernel would kill all workers when availd ends: availd does not start")
	}
	if isYes(u.get("PrivateNetwork")) && f.Config.Protocol.Infers && slices.ContainsFunc(f.addresses(), isPath) {
		r.setting(Warning, "private-network", u, "Service", "PrivateNetwork=no", "the length of the queue of a Unix socket cannot be read: who is busy is guessed from whether anybody waits")
	}
	for _, key := range []string{"User", "Group"} {
		if v := u.get(key); v != "" && f.Machine != nil && f.Machine.Missing[key+"="+v] {
			r.setting(Error, "no-such-"+strings.ToLower(key), u, "Service", key+"="+v, "there is no such %s on this machine: no process of the service can start; make it, or name another", strings.ToLower(key))
		}
	}
}

func isPath(address string) bool {
	return strings.HasPrefix(address, "/") || strings.HasPrefix(address, "@")
}

// hiding is a setting that hides a path.
type hiding struct {
	by, line string // what hides it, and the line that would not
	then     string
}

// hiddenBy is what hides a path from the service, nil if nothing does, as far as the unit
// tells.
func (f *Facts) hiddenBy(path string) *hiding {
	u := &f.Service
	if m := f.Machine; m != nil && m.Inside && m.Paths[path].Exists {
		return nil // it was seen
	}
	for _, key := range []string{"BindPaths", "BindReadOnlyPaths"} {
		for _, word := range u.words(key) {
			from, to, mapped := strings.Cut(strings.TrimPrefix(word, "-"), ":")
			if to, _, _ = strings.Cut(to, ":"); !mapped || to == "" {
				to = from
			}
			if under(path, to) {
				return nil
			}
		}
	}
	dynamic := isYes(u.get("DynamicUser"))
	home := u.get("ProtectHome")
	then := "it does not exist for it, and no worker can start"
	switch tmp := u.get("PrivateTmp"); {
	case (isYes(home) || home == "tmpfs") && under(path, "/home", "/root", "/run/user"):
		return &hiding{"ProtectHome=" + home, "ProtectHome=read-only", then}
	case under(path, "/tmp", "/var/tmp") && path != "/tmp" && path != "/var/tmp" && dynamic:
		return &hiding{"DynamicUser=yes, which implies a /tmp of its own,", "User=NAME", then + "; give it a user of its own, or install the file elsewhere"}
	case under(path, "/tmp", "/var/tmp") && path != "/tmp" && path != "/var/tmp" && tmp != "" && !isNo(tmp):
		return &hiding{"PrivateTmp=" + tmp, "PrivateTmp=no", then}
	}
	for _, key := range []string{"InaccessiblePaths", "InaccessibleDirectories", "TemporaryFileSystem"} {
		for _, word := range u.words(key) {
			hidden, _, _ := strings.Cut(strings.TrimLeft(word, "-+"), ":")
			if under(path, filepath.Clean(hidden)) {
				return &hiding{key + "=" + word, "BindReadOnlyPaths=" + path, then + "; take it out of " + key + "=, or bind it"}
			}
		}
	}
	if f.noExec(path) {
		return &hiding{"NoExecPaths=", "ExecPaths=" + path, "it may not be executed, and no worker can start"}
	}
	return nil
}

// noExec: a path that is executed is in one that may not be, by the longest that counts.
func (f *Facts) noExec(path string) bool {
	if len(f.Run.Command) == 0 || path != filepath.Clean(f.Run.Command[0]) && path != f.Run.Binary {
		return false
	}
	longest, no := -1, false
	for key, forbids := range map[string]bool{"NoExecPaths": true, "ExecPaths": false} {
		for _, word := range f.Service.words(key) {
			if dir := filepath.Clean(strings.TrimLeft(word, "-+")); under(path, dir) && len(dir) > longest {
				longest, no = len(dir), forbids
			}
		}
	}
	return no
}

// writable is about sockets that availd itself makes: their directories must be writable.
func (f *Facts) writable(r *report) {
	u, protect := &f.Service, f.Service.get("ProtectSystem")
	if protect == "" && isYes(u.get("DynamicUser")) {
		protect = "strict"
	}
	options := map[string]string{"control": f.Config.Control, "notify-socket": f.Config.NotifySocket}
	for _, address := range f.Config.Listen {
		options["listen"] = address
	}
	for _, option := range []string{"control", "listen", "notify-socket"} {
		path := options[option]
		if !filepath.IsAbs(path) || f.mayWrite(path, protect) {
			continue
		}
		r.setting(Error, "read-only", u, "Service", "ReadWritePaths="+filepath.Dir(path), "ProtectSystem=%s makes the place of %s=%s read-only: the socket cannot be made; add the line, or use a path below RuntimeDirectory=", protect, option, path)
	}
}

func (f *Facts) mayWrite(path, protect string) bool {
	u := &f.Service
	var writable []string
	for _, key := range []string{"RuntimeDirectory", "StateDirectory", "CacheDirectory", "LogsDirectory"} {
		root := map[string]string{"RuntimeDirectory": "/run", "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log"}[key]
		for _, d := range u.words(key) {
			d, _, _ = strings.Cut(Expand(d, u.Name), ":")
			writable = append(writable, filepath.Join(root, d))
		}
	}
	for _, key := range []string{"ReadWritePaths", "ReadWriteDirectories", "BindPaths"} {
		for _, d := range u.words(key) {
			d, _, _ = strings.Cut(strings.TrimLeft(d, "-+"), ":")
			writable = append(writable, filepath.Clean(d))
		}
	}
	switch {
	case under(path, writable...):
		return true
	case protect == "strict":
		return under(path, "/dev", "/proc", "/sys") || under(path, "/tmp", "/var/tmp") && isYes(u.get("PrivateTmp"))
	case protect == "full":
		return !under(path, "/usr", "/boot", "/efi", "/etc")
	case isYes(protect):
		return !under(path, "/usr", "/boot", "/efi")
	}
	return true
}

// families is about the sockets that availd itself needs.
func (f *Facts) families(r *report) {
	u := &f.Service
	words := u.words("RestrictAddressFamilies")
	if len(words) == 0 || strings.HasPrefix(words[0], "~") {
		for i, w := range words {
			words[i] = strings.TrimPrefix(w, "~")
		}
		if slices.Contains(words, "AF_UNIX") {
			f.needFamily(r, "AF_UNIX")
		}
		return
	}
	if !slices.Contains(words, "AF_UNIX") {
		f.needFamily(r, "AF_UNIX")
	}
	if !slices.Contains(words, "AF_NETLINK") && f.Config.Protocol.Infers && slices.ContainsFunc(f.addresses(), isPath) {
		r.setting(Warning, "no-netlink", u, "Service", "RestrictAddressFamilies=AF_NETLINK", "the length of the queue of a Unix socket cannot be read: who is busy is guessed from whether anybody waits")
	}
}

func (f *Facts) needFamily(r *report, family string) {
	r.setting(Error, "no-unix", &f.Service, "Service", "RestrictAddressFamilies="+family, "availd cannot tell systemd that it is ready, and has no control socket: the service does not start")
}

// needed are the system calls without which availd cannot run a pool.
var needed = []string{
	"clone", "close_range", "dup3", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "execve", "fcntl", "getsockopt",
	"kill", "memfd_create", "mmap", "pidfd_send_signal", "prlimit64", "recvmsg", "rt_sigaction", "sendmsg", "setpgid", "setsid", "socket", "wait4",
}

// kernel is about what the kernel lacks, or a filter of system calls forbids.
func kernel(f *Facts, r *report) {
	m := f.Machine
	if m == nil {
		return
	}
	if !m.Kernel.Pidfd {
		r.about(Error, "no-pidfd", "the kernel", "has no pidfd_open(2): availd does not start; take Linux 5.4 or later")
	}
	if !m.Kernel.Memfd {
		r.about(Error, "no-memfd", "the kernel", "has no memfd_create(2): availd could not hand its state over; take Linux 5.4 or later")
	}
	if !m.Kernel.CloseRange {
		r.about(Warning, "no-close-range", "the kernel", "has no close_range(2): each start of a worker takes longer; take Linux 5.11 or later")
	}
	if !m.Kernel.SockDiag && f.Config.Protocol.Infers && slices.ContainsFunc(f.addresses(), isPath) {
		r.about(Warning, "no-sock-diag", "the kernel", "does not tell the length of the queue of a Unix socket (sock_diag(7)): modprobe unix_diag")
	}
	u := &f.Service
	lines := u.list("SystemCallFilter")
	if denied := Denied(lines, m.Calls); len(denied) > 0 {
		r.setting(Error, "calls-denied", u, "Service", "SystemCallFilter=@system-service", "availd needs %s, which the filter forbids: it cannot start workers, or is killed", strings.Join(denied, ", "))
	}
	if len(lines) > 0 && !strings.HasPrefix(lines[0].Value, "~") && u.get("SystemCallErrorNumber") == "" {
		r.setting(Warning, "calls-kill", u, "Service", "SystemCallErrorNumber=EPERM", "a worker that makes a system call which the filter forbids is killed by SIGSYS; with the line the call fails, which most programs survive")
	}
}

// Denied are those of the needed system calls that the lines of SystemCallFilter= forbid.
// sets are what the names with an @ stand for; a filter with a name that is not among them
// is not judged.
func Denied(lines []Setting, sets map[string][]string) (denied []string) {
	if len(lines) == 0 || sets == nil {
		return nil
	}
	allowed := map[string]bool{}
	allows := !strings.HasPrefix(lines[0].Value, "~")
	var apply func(word string, yes bool) bool
	apply = func(word string, yes bool) bool {
		word, _, _ = strings.Cut(word, ":") // an error number of its own
		if !strings.HasPrefix(word, "@") {
			allowed[word] = yes
			return true
		}
		members, known := sets[word]
		for _, m := range members {
			known = apply(m, yes) && known
		}
		return known
	}
	if allows && !apply("@default", true) {
		return nil
	}
	for _, l := range lines {
		text, negated := strings.CutPrefix(l.Value, "~")
		for word := range strings.FieldsSeq(text) {
			if !apply(word, !negated) {
				return nil
			}
		}
	}
	for _, call := range needed {
		if yes, said := allowed[call]; said && !yes || !said && allows {
			denied = append(denied, call)
		}
	}
	return denied
}
