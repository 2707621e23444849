package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/availd/availd/internal/status"
)

// running is about how the service is now.
func running(f *Facts, r *report) {
	if f.State == nil {
		return
	}
	for i := range f.Sockets {
		started(f, &f.Sockets[i], r)
	}
	if f.Status == nil {
		cannotStart(f, r)
		return
	}
	s := f.Status
	for _, sock := range s.Sockets {
		if sock.Fault != nil {
			r.about(Error, "socket-fault", f.Name, "socket %s is %s; systemctl restart %s.socket %s", sock.Name, status.FaultText(*sock.Fault), f.Name, f.Service.Name)
		}
	}
	neverAccepts(f, r)
	for _, w := range s.Warnings {
		r.about(Warning, "limit-unreachable", f.Name, "%s", w)
	}
}

// started is about the socket, without which nobody gets in.
func started(f *Facts, u *Unit, r *report) {
	s, known := f.State.Sockets[u.Name]
	if !known {
		return
	}
	if s.Active == "active" {
		if s.Enabled == "disabled" {
			r.setting(Warning, "socket-not-enabled", u, "Install", "WantedBy=sockets.target", "it is started, and not with the machine: after a reboot clients are refused; systemctl enable %s", u.Name)
		}
		return
	}
	if f.Machine != nil && holders(f, u, r) {
		return
	}
	if s.Active == "failed" {
		r.about(Error, "socket-failed", u.Name, "it has failed (%s): clients are refused; see journalctl -u %s, then systemctl start %s", s.Result, u.Name, u.Name)
		return
	}
	r.about(Error, "socket-not-started", u.Name, "it is not started: clients are refused; systemctl enable --now %s", u.Name)
}

// cannotStart is about a service that gives no answer.
func cannotStart(f *Facts, r *report) {
	s := f.State
	see := "see systemctl status " + f.Service.Name
	switch {
	case s.Active == "failed" || s.Result != "" && s.Result != "success":
		why := s.Result
		if reason := exits[s.ExitStatus]; reason != "" {
			why += ", " + reason
		}
		r.about(Error, "cannot-start", f.Name, "it cannot be started (%s): clients wait; %s", why, see)
	case s.Active == "active" && !f.Denied:
		r.about(Warning, "no-answer", f.Name, "it runs and does not answer, or not to this user; %s", see)
	}
}

// exits are the exit statuses by which systemd and availd say what is wrong.
var exits = map[int]string{
	64: "a wrong option", 71: "the system refused something", 78: "a wrong configuration", 200: "its working directory cannot be entered",
	203: "ExecStart= cannot be executed", 216: "there is no such group", 217: "there is no such user", 226: "its confinement cannot be made",
}

// neverAccepts is about workers that are there, and serve nobody.
func neverAccepts(f *Facts, r *report) {
	s, proto := f.Status, f.Config.Protocol
	if len(f.Stray) > 0 { // they are all alike
		w := f.Stray[0]
		r.about(Error, "own-listener", f.Name, "worker %d listens on %s itself, instead of descriptor %d: clients of the service wait for ever; "+
			"have the program accept on that descriptor (gunicorn: --bind fd://3), or run one that does", w.PID, w.Address, proto.FirstSocket)
	}
	see := "see systemctl status " + f.Service.Name
	notReady := s.Total > 0 && s.Starting == s.Total && slices.ContainsFunc(s.Workers, func(w status.Worker) bool { return w.AgeSeconds > 1 })
	switch {
	case s.ThrottledUntil != nil:
		reason := "they fail at the start"
		if s.ThrottleReason != nil {
			reason = *s.ThrottleReason
		}
		r.about(Error, "workers-fail", f.Name, "no worker stays: %s; clients wait; %s", reason, see)
	case proto.Reports && !proto.Infers && notReady:
		r.add(Finding{
			Severity: Error, ID: "not-ready", Line: "protocol=queue", In: f.configPlace(),
			Text: fmt.Sprintf("its workers do not send READY=1, and are taken for failed: clients wait; if the program only accepts on descriptor 3, write the line, then systemctl restart %s", f.Service.Name),
		})
	case f.inVain() && len(f.Stray) == 0:
		r.about(Error, "never-accepts", f.Name, "clients wait, and none of its %d workers accepts: have the program accept on descriptor %d, or write the protocol that it speaks into %s (availd try tells it); %s",
			s.Total, proto.FirstSocket, f.configPlace(), see)
	}
}

// inVain reports whether clients wait for workers that are there.
func (f *Facts) inVain() bool {
	s := f.Status
	if s.Total == 0 || s.FullSince != nil {
		return false
	}
	if s.UnservedSince != nil && (s.Starting == 0 || f.Unserved > longStart) {
		return true
	}
	return slices.ContainsFunc(s.Sockets, func(sock status.Socket) bool {
		return sock.Queue != nil && *sock.Queue > 0 && sock.OldestWait != nil && *sock.OldestWait > longStart.Seconds()
	})
}

// longStart is how long workers may take to start before clients are said to wait in vain.
const longStart = 10 * time.Second
