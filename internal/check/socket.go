package check

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/availd/availd/activation"
)

// kinds are those of the sockets that lines of a unit make.
var kinds = map[string]activation.Kind{
	"ListenStream": activation.Stream, "ListenDatagram": activation.Datagram,
	"ListenSequentialPacket": activation.SeqPacket, "ListenFIFO": activation.FIFO,
}

// sockets is about what the service listens on, and who gets there.
func sockets(f *Facts, r *report) {
	workers := 0
	for i := range f.Sockets {
		u := &f.Sockets[i]
		accept(u, r)
		trigger(u, r)
		flush(u, r)
		for _, l := range u.listens() {
			workers++
			kind, known := kinds[l.Key]
			if !known || !f.Config.Protocol.Serves(kind) {
				r.setting(Error, "socket-kind", u, "Socket", l.Key+"="+l.Value,
					"protocol=%s cannot serve it: the service does not start; write ListenStream=%s, or protocol=notify for datagrams", f.Config.Protocol, l.Value)
			}
		}
		for _, l := range u.Listens() {
			if filepath.IsAbs(l.Value) {
				reach(f, u, l.Value, r)
			}
		}
		owner(f, u, r)
	}
	if why := f.Config.Protocol.OneSocket; why != "" && workers > 1 {
		r.about(Error, "one-socket", f.Name, "there are %d sockets, and %s: the service does not start; make a service for each of the others", workers, why)
	}
	switch listens := len(f.Config.Listen); {
	case workers > 0 && listens > 0:
		r.about(Error, "two-listeners", f.configPlace(), "there are both listen= (--listen) and a socket unit: the service does not start; take one of them out")
	case workers == 0 && listens == 0:
		r.about(Error, "no-socket", f.Service.Name, "no socket unit activates it: there is nothing to serve, and it does not start; "+
			"write %s.socket with ListenStream=, or name it with Sockets= in [Service]", strings.TrimSuffix(f.Service.Name, ".service"))
	}
}

func accept(u *Unit, r *report) {
	if isYes(u.get("Accept")) {
		r.setting(Error, "accept", u, "Socket", "Accept=no",
			"with yes systemd accepts every connection itself and starts an availd for each, which refuses it: no client is served")
	}
}

// trigger is about systemd's own limit of activations, after which it refuses all clients.
func trigger(u *Unit, r *report) {
	interval, set := u.span("TriggerLimitIntervalSec")
	if set && interval == 0 || u.get("TriggerLimitBurst") == "0" {
		return
	}
	r.setting(Warning, "trigger-limit", u, "Socket", "TriggerLimitIntervalSec=0",
		"as it is, 20 starts within 2 s end the socket, and every client is refused until somebody starts it again")
}

// flush is about what systemd does with clients that wait when a service has ended.
func flush(u *Unit, r *report) {
	if isYes(u.get("FlushPending")) {
		r.setting(Warning, "flush-pending", u, "Socket", "FlushPending=no",
			"with yes systemd ends the connections that wait whenever the service has ended, also for a restart and after a crash: those clients are lost")
	}
}

// owner is about the user and group that a socket's path gets.
func owner(f *Facts, u *Unit, r *report) {
	if f.Machine == nil {
		return
	}
	for _, key := range []string{"SocketUser", "SocketGroup"} {
		if name := u.get(key); name != "" && f.Machine.Missing[key+"="+name] {
			r.setting(Error, "no-such-"+strings.ToLower(strings.TrimPrefix(key, "Socket")), u, "Socket", key+"="+name,
				"there is no such %s on this machine: the socket does not start, and clients are refused", strings.ToLower(strings.TrimPrefix(key, "Socket")))
		}
	}
}

// mode is the access mode of a socket's path; systemd's default is for everybody.
func mode(u *Unit) uint32 {
	if n, err := strconv.ParseUint(u.get("SocketMode"), 8, 32); err == nil {
		return uint32(n)
	}
	return 0o666
}

// Permissions to write to a socket, which connect(2) needs, and to search a directory.
const (
	groupWrites, othersWrite    = 0o020, 0o002
	groupSearches, othersSearch = 0o010, 0o001
)

// reach is about clients of a path, which are others than root: those in the socket's
// group, or everybody.
func reach(f *Facts, u *Unit, path string, r *report) {
	group := u.get("SocketGroup")
	m := mode(u)
	if m&othersWrite == 0 && (group == "" || m&groupWrites == 0) && (u.get("SocketUser") == "" || u.get("SocketUser") == "root") {
		r.setting(Warning, "only-root", u, "Socket", "SocketGroup=www-data",
			"only root can connect to %s: name the group that the clients run as", path)
		return
	}
	for _, dir := range runtimeOf(&f.Service) {
		if under(path, dir) {
			r.setting(Warning, "path-removed", u, "Socket", "ListenStream=/run/"+filepath.Base(path),
				"systemd removes %s, and with it the socket's path, whenever the service stops: clients do not find it any more; use another directory", dir)
		}
	}
	if f.Machine == nil || group == "" && m&othersWrite == 0 {
		return
	}
	gid, known := f.Machine.GroupNumbers[group]
	for _, d := range f.Machine.Ways[path] {
		if d.Mode&othersSearch != 0 || m&othersWrite == 0 && known && d.GID == gid && d.Mode&groupSearches != 0 {
			continue
		}
		who := "clients"
		if m&othersWrite == 0 {
			who = "the group " + group
		}
		r.setting(Warning, "unreachable-path", u, "Socket", "ListenStream="+path,
			"%s cannot get past %s, whose mode is %04o: connecting fails with permission denied; chmod a+x %s, or use a path below /run", who, d.Path, d.Mode, d.Path)
		return
	}
}

// runtimeOf are the directories below /run that systemd makes for a service and removes
// with it.
func runtimeOf(u *Unit) (dirs []string) {
	if isYes(u.get("RuntimeDirectoryPreserve")) {
		return nil
	}
	for _, dir := range u.words("RuntimeDirectory") {
		dir, _, _ = strings.Cut(Expand(dir, u.Name), ":")
		dirs = append(dirs, filepath.Join("/run", dir))
	}
	return dirs
}

// holders are sockets that cannot be opened, because of somebody else.
func holders(f *Facts, u *Unit, r *report) (found bool) {
	for _, l := range u.Listens() {
		i := slices.IndexFunc(f.Machine.Holders, func(h Holder) bool { return h.Address == l.Value })
		if i < 0 {
			continue
		}
		found = true
		h := f.Machine.Holders[i]
		who := "another process"
		if h.PID > 0 {
			who = fmt.Sprintf("%s (pid %d)", h.Command, h.PID)
		}
		r.setting(Error, "address-in-use", u, "Socket", l.Key+"="+l.Value,
			"%s listens there: %s cannot be started, and clients get that one; end it, or use another address, then systemctl start %s", who, u.Name, u.Name)
	}
	return found
}
