package daemon

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/template"
	"github.com/availd/availd/spawn"
	"github.com/availd/availd/worker"
)

// This file starts templates, and takes over what they fork.

// templateCommand is the command of a template. One that knows the contract leads no session,
// whatever workers do that are executed: its forks could not be given process groups of their
// own (setpgid(2)). One that the shared object makes leads a session, in which its forks make
// groups: it may be a program that did not become a template, which is stopped to be looked at,
// as its forks are, and the kernel hangs up stopped processes of availd's session when that dies.
func (d *daemon) templateCommand(path string, cfg config.Config) *spawn.Command {
	c := *d.command
	c.Session, c.Path, c.Args = cfg.Template == config.TemplatePreload, path, cfg.Command[1:]
	return &c
}

func (d *daemon) templates() loop.Templates {
	return loop.Templates{
		Start: d.startTemplate, Order: d.order, Forked: d.takeForked, Room: spawn.Room, OwnGroup: ownGroup, Group: spawn.GroupOf, Threads: procfs.CountThreads,
		Foreign: d.lookForeign, Keep: d.keepTemplate, Forget: d.forgetTemplate,
	}
}

// startTemplate executes a template. It gets what a worker gets, but for its slot, and
// its end of the channel.
func (d *daemon) startTemplate(isNext bool) (p spawn.Process, c *template.Channel, err error) {
	command := d.templateOf
	if isNext {
		command = d.templateCommand(d.next.path, d.next.cfg)
	}
	c, theirs, err := template.Open()
	if err != nil {
		return p, nil, err
	}
	started, err := command.Start(0, false, d.templateHandover(theirs))
	if err != nil {
		_ = unix.Close(c.Disown())
		_ = unix.Close(theirs)
		return p, nil, blamed(err)
	}
	started.Given = theirs
	return started, c, nil
}

func (d *daemon) templateHandover(theirs int) spawn.Handover {
	h := d.handover
	h.Files, h.Env = slices.Clip(h.Files), slices.Clip(h.Env)
	switch {
	case d.object != "":
		h = d.withObject(0, h, board.Slots) // which no worker has
	case d.board != nil:
		n := len(h.Files)
		h.Files = append(h.Files, d.board.FD(), d.board.WakeFD())
		h.Env = append(h.Env, worker.EnvBoardFD+"="+strconv.Itoa(n), worker.EnvWakeFD+"="+strconv.Itoa(n+1))
	}
	if d.forkObject != "" {
		h.Env = append(h.Env, template.EnvFork+"="+d.forkObject)
	}
	h.Env = append(h.Env, template.EnvFD+"="+strconv.Itoa(len(h.Files)))
	h.Files = append(h.Files, theirs)
	// A fork has another pid than WATCHDOG_PID would say, and without it the watchdog is
	// whoever's reads the variable (sd_watchdog_enabled(3)).
	h.PIDs = append(slices.DeleteFunc(slices.Clone(h.PIDs), func(name string) bool { return name == "WATCHDOG_PID" }), template.EnvPID)
	return h
}

// order is what a worker is told that is forked.
func (d *daemon) order(generation uint64, stress bool, slot int) template.Order {
	o := template.Order{Generation: generation, Env: []string{
		worker.EnvStress + "=", worker.EnvGeneration + "=" + strconv.FormatUint(generation, 10),
	}}
	if stress {
		o.Env[0] += "yes"
	}
	switch {
	case d.object != "":
		if slot < 0 {
			slot = board.Slots
		}
		o.Env = append(o.Env, d.placeOf(generation, slot, len(d.handover.Files)))
	case d.board != nil && slot >= 0 && slot < board.Slots:
		o.Env = append(o.Env, worker.EnvSlot+"="+strconv.Itoa(slot))
	}
	return o
}

// Why a process is not what it says to be.
var (
	errFamily = errors.New("it is not in the template's process group, nor was it forked there")
	errGone   = errors.New("it has ended")
)

// takeForked takes over what the template has forked: it is in the template's process
// group, or has made one of its own, and its parent is this process or, for the moment
// until that ends, the process between it and the template. m.PIDFD is taken in any case.
func (d *daemon) takeForked(m *template.Message, t spawn.Process, ours bool) (p spawn.Process, err error) {
	if d.reports != nil {
		d.reports.Doubt()
	}
	p = spawn.Process{PID: m.PID, FD: m.PIDFD, Alone: true}
	if p.FD < 0 {
		if p.FD, err = spawn.OpenPidfd(m.PID); err != nil {
			return p, err
		}
	}
	switch s, ok := procfs.ReadStat(m.PID); {
	case !ok:
		err = errGone
	case s.Group != t.PID && s.Group != m.PID:
		err = errFamily
	case ours && !descends(m.PID, s.Parent, t.PID, procfs.ReadStat, spawn.GroupOf):
		err = errFamily
	default:
		p.Alone, p.Start = s.Group != m.PID, s.Start
		return p, nil
	}
	_ = nowait.Close(p.FD)
	return spawn.Process{}, err
}

// descends reports whether the parent of a process is this one, a template, or a process of
// the template's group: the one between them. That may end between two looks, so that its
// group cannot be told any more; then the process has another parent by now.
func descends(pid, parent, template int, read func(int) (procfs.Stat, bool), group func(int) int) bool {
	for {
		if parent == os.Getpid() || parent == template || group(parent) == template {
			return true
		}
		s, ok := read(pid)
		if !ok || s.Parent == parent {
			return false
		}
		parent = s.Parent
	}
}

// ownGroup gives a worker a process group of its own, as soon as it is a child of this
// process.
func ownGroup(p spawn.Process) bool { return spawn.OwnGroup(p.PID) == nil }

func (d *daemon) keepTemplate(t spawn.Process, channel int) {
	d.complain(d.notifier.SendFDs(fmt.Sprintf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s%d", templateName, t.PID), channel))
	d.complain(d.notifier.SendFDs(fmt.Sprintf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s%d", pidfdName, t.PID), t.FD))
}

func (d *daemon) forgetTemplate(t spawn.Process) {
	d.tell(fmt.Sprintf("FDSTOREREMOVE=1\nFDNAME=%s%d", templateName, t.PID))
	d.tell(fmt.Sprintf("FDSTOREREMOVE=1\nFDNAME=%s%d", pidfdName, t.PID))
}

// keptTemplates are those of an earlier availd. same: the configuration is as it was.
func (d *daemon) keptTemplates(same bool) (list []loop.RestoredTemplate) {
	for number, fd := range d.kept.leaving {
		if d.kept.templates[number] == 0 {
			d.kept.templates[number] = fd
		}
	}
	for number, fd := range d.kept.templates {
		pidfd, ok := d.kept.pidfds[number]
		delete(d.kept.pidfds, number)
		if !ok {
			closeKept(fd)
			continue
		}
		c, err := template.Adopt(fd)
		if err != nil {
			event.Log(d.log, event.TemplateLost, event.Cause(err))
			closeKept(pidfd)
			continue
		}
		list = append(list, loop.RestoredTemplate{
			Process: spawn.Process{PID: int(number), FD: pidfd}, Channel: c,
			Ours: d.handed, Current: d.handed && same && d.cfg.Template != config.TemplateOff && d.kept.leaving[number] == 0,
			MayBeStopped: procfs.MayBeStopped(int(number)),
		})
	}
	for _, fd := range d.kept.pidfds {
		closeKept(fd)
	}
	return list
}
