package check

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// unit is about what systemd does with the service when availd starts, stops or dies.
func unit(f *Facts, r *report) {
	u := &f.Service
	want := func(id, line, format string, args ...any) {
		r.setting(Warning, id, u, "Service", line, format, args...)
	}
	if t := u.get("Type"); t != "notify" && t != "notify-reload" {
		r.setting(Warning, "type", u, "Service", "Type=notify",
			"systemd does not hear that availd is ready, what it does, or that it reloads: the status shows nothing, and a hung availd is not noticed")
	}
	if v := u.get("NotifyAccess"); v == "all" {
		want("notify-access", "NotifyAccess=main", "a worker's message could be taken for one of availd")
	}
	if v := u.get("KillMode"); v != "process" {
		want("kill-mode", "KillMode=process", "when availd dies, systemd kills the workers with what they hold; as it should be, they go on, and the next availd adopts them")
	}
	if v := u.get("Restart"); v == "" || v == "no" || v == "on-success" {
		want("restart", "Restart=on-failure", "an availd that dies is not started again until a client comes, and nobody replaces its workers meanwhile")
	} else if v == "always" && f.Config.ExitIdleTime > 0 {
		want("restart-always", "Restart=on-failure", "an availd that has left because it was idle (exit-idle-time) is started again at once")
	}
	if interval, set := u.span("StartLimitIntervalSec"); !set || interval != 0 {
		r.setting(Warning, "start-limit", u, "Unit", "StartLimitIntervalSec=0",
			"after some failed starts systemd gives up for good: clients are refused, and workers that are left keep the address in use")
	}
	blocking(f, r)
	store(f, r)
	stop(f, r)
	runtimeDirectory(f, r)
	if v := u.get("OOMPolicy"); v != "continue" {
		want("oom-policy", "OOMPolicy=continue", "a worker that is killed for want of memory stops the whole service")
	}
	if f.Config.MinSpare > 0 && len(u.list("WantedBy")) == 0 && len(u.list("RequiredBy")) == 0 && u.Effective["UnitFileState"] != "generated" {
		r.setting(Warning, "spares-later", u, "Install", "WantedBy=multi-user.target",
			"min-spare=%d are there only after the first client: without the line the service does not start with the machine", f.Config.MinSpare)
	}
	if f.State != nil && f.State.NeedsReload {
		r.about(Warning, "daemon-reload", u.Name, "its files have changed since systemd read them: what is checked here is not in effect; systemctl daemon-reload")
	}
}

// blocking compares NonBlocking= with what programs of the protocol expect.
func blocking(f *Facts, r *report) {
	p, non := f.Config.Protocol, isYes(f.Service.get("NonBlocking"))
	switch {
	case p.PerConnection || p.NonBlocking || len(f.Config.Listen) > 0: // availd sees to it
	case p.Polls && !non:
		r.setting(Warning, "non-blocking", &f.Service, "Service", "NonBlocking=yes",
			"each connection wakes all idle workers, and those that are too late are stuck in accept(2), where they hear no retire signal")
	case p.FirstSocket == 0 && non:
		r.setting(Error, "blocking", &f.Service, "Service", "NonBlocking=no",
			"programs of FastCGI block in accept(2) until a client comes: with a socket that does not block, they end at once, or spin")
	case !p.Polls && non:
		r.setting(Warning, "blocking", &f.Service, "Service", "NonBlocking=no",
			"programs that block in accept(2) end at once with a socket that does not block, or spin; leave the line only for one that polls")
	}
}

// reserve are descriptors in the store that are no worker's: of availd's state, and the
// like.
const reserve = 16

func store(f *Facts, r *report) {
	need := f.Config.Limit*f.Config.Protocol.Files() + reserve
	n, known := f.Service.number("FileDescriptorStoreMax")
	switch {
	case !known && f.Service.get("FileDescriptorStoreMax") != "":
	case n == 0:
		r.setting(Warning, "store", &f.Service, "Service", "FileDescriptorStoreMax=4096",
			"systemd keeps nothing while availd is away: after a crash or a restart what it knew of its workers is lost")
	case f.Config.Limit > 0 && n < need:
		r.setting(Warning, "store-size", &f.Service, "Service", "FileDescriptorStoreMax="+itoa(max(4096, 2*need)),
			"it is %d, and limit=%d needs %d: after a crash not all workers are adopted from it", n, f.Config.Limit, need)
	}
}

// killToKill is what availd needs after stop-timeout.
const killToKill = 5 * time.Second

func stop(f *Facts, r *report) {
	u, need := &f.Service, f.Config.StopTimeout+killToKill
	have, set := u.span("TimeoutStopSec")
	if both, isSet := u.span("TimeoutSec"); isSet && !set {
		have, set = both, true
	}
	if !set {
		have = 90 * time.Second // DefaultTimeoutStopSec=
	}
	if have != 0 && have < need {
		r.setting(Warning, "stop-timeout", u, "Service", "TimeoutStopSec="+itoa(int((need+25*time.Second)/time.Second))+"s",
			"it is %v, and stop-timeout= is %v: where systemd has forgotten that availd asked for more, as after a daemon-reload, it kills workers with what they hold", have, f.Config.StopTimeout)
	}
	if lines := u.list("ExecStopPost"); !slices.ContainsFunc(lines, func(s Setting) bool { return strings.HasSuffix(s.Value, "availd reap") }) && u.get("KillMode") == "process" {
		r.setting(Warning, "reap", u, "Service", "ExecStopPost="+f.binary()+" reap",
			"workers that outlive a stop keep the address in use, and the socket cannot be started again")
	}
}

func (f *Facts) binary() string {
	if f.Run.Binary != "" {
		return f.Run.Binary
	}
	return "/usr/bin/availd"
}

func runtimeDirectory(f *Facts, r *report) {
	u := &f.Service
	name := u.ControlName()
	own := strings.TrimSuffix(u.Name, ".service")
	if name == "" && f.Config.Control == "" {
		r.setting(Warning, "runtime-directory", u, "Service", "RuntimeDirectory=availd/"+own,
			"availd has no place for its control socket: availd status and availd reload do not find the service")
	}
	if p := u.get("RuntimeDirectoryPreserve"); name != "" && p != "restart" && !isYes(p) {
		r.setting(Warning, "runtime-preserve", u, "Service", "RuntimeDirectoryPreserve=restart",
			"a restart removes the path by which workers that live on report")
	}
	reload, set := u.last("ExecReload")
	words := strings.Fields(Expand(reload.Value, u.Name))
	switch {
	case !set || len(words) == 0:
		r.setting(Warning, "exec-reload", u, "Service", "ExecReload="+f.binary()+" reload "+own, "systemctl reload is refused")
	case len(words) == 3 && words[1] == "reload" && filepath.Base(words[0]) == "availd" && name != "" && words[2] != name:
		r.setting(Warning, "exec-reload", u, "Service", "ExecReload="+words[0]+" reload "+name,
			"it asks for %s, and RuntimeDirectory= is availd/%s: a reload does not find the service", words[2], name)
	}
}
