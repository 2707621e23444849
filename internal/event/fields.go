package event

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// The fields of messages, one function for each. In the journal they are AVAILD_ and the
// key in capitals.

// Worker tells which worker a message is about; nothing, if the pid is 0.
func Worker(pid int, generation uint64) slog.Attr {
	if pid == 0 {
		return slog.Group("")
	}
	return slog.Group("", slog.Int("worker_pid", pid), slog.Uint64("generation", generation))
}

// PID is that of a process which is no worker (any more).
func PID(pid int) slog.Attr { return slog.Int("pid", pid) }

// Generation is the serial number of a worker that has no pid yet.
func Generation(n uint64) slog.Attr { return slog.Uint64("generation", n) }

// Stress is whether a worker is started under stress.
func Stress(on bool) slog.Attr { return slog.Bool("stress", on) }

// UID is the user of a process.
func UID(uid uint32) slog.Attr { return slog.Uint64("uid", uint64(uid)) }

// Limit is the most workers at once.
func Limit(n int) slog.Attr { return slog.Int("limit", n) }

// Workers is how many workers the message is about.
func Workers(n int) slog.Attr { return slog.Int("workers", n) }

// Others is how many came before without a message.
func Others(n int) slog.Attr { return slog.Int("others", n) }

// Working is how many of the workers are busy.
func Working(n int) slog.Attr { return slog.Int("working", n) }

// Starting is how many workers are not ready yet.
func Starting(n int) slog.Attr { return slog.Int("starting", n) }

// Ready is how many workers are idle.
func Ready(n int) slog.Attr { return slog.Int("ready", n) }

// Waiting is how many connections wait in the queues.
func Waiting(n int) slog.Attr { return slog.Int("waiting", n) }

// Most is a bound, or a number that has reached it.
func Most(n int) slog.Attr { return slog.Int("most", n) }

// Reachable is how many workers something else than the limit permits.
func Reachable(n int) slog.Attr { return slog.Int("reachable", n) }

// Each is how many descriptors one worker takes.
func Each(n int) slog.Attr { return slog.Int("each", n) }

// Size is the memory that one worker takes, in bytes.
func Size(n int64) slog.Attr { return slog.String("size", bytes(n)) }

// bytes is a number of bytes for people.
func bytes(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// Set is a value that is set now.
func Set(n uint64) slog.Attr { return slog.Uint64("set", n) }

// Needed is how many are needed.
func Needed(n int) slog.Attr { return slog.Int("needed", n) }

// Wanted is the value to set.
func Wanted(n int) slog.Attr { return slog.Int("wanted", n) }

// Option is the name of an option, without dashes.
func Option(name string) slog.Attr { return slog.String("option", name) }

// SetTo is the value that an option has now, as the option takes it.
func SetTo(value string) slog.Attr { return slog.String("set_to", value) }

// Configured is the value that the configuration gives an option.
func Configured(value string) slog.Attr { return slog.String("configured", value) }

// Was is the value that an option had before.
func Was(value string) slog.Attr { return slog.String("was", value) }

// Warn is the text of a warning.
func Warn(text string) slog.Attr { return slog.String("warning", text) }

// Signal is the name of a signal.
func Signal(name string) slog.Attr { return slog.String("signal", name) }

// Status is an exit status.
func Status(code int) slog.Attr { return slog.Int("exit_status", code) }

// Until is a time of day, as a clock on the wall shows it.
func Until(clock string) slog.Attr { return slog.String("until", clock) }

// Since is a time of day.
func Since(clock string) slog.Attr { return slog.String("since", clock) }

// Took is how long something has lasted, in milliseconds at the finest.
func Took(d time.Duration) slog.Attr {
	return slog.String("took", d.Round(time.Millisecond).String())
}

// Doing is what else is known of a worker at work: its state as proc_pid_stat(5) has it, and
// its own words. What is not known is left out.
func Doing(state, status string) slog.Attr {
	var known []any
	for _, f := range []slog.Attr{slog.String("process_state", state), slog.String("worker_status", status)} {
		if f.Value.String() != "" {
			known = append(known, f)
		}
	}
	return slog.Group("", known...)
}

// Call is the name of a system call, On what it is about: a peer, a file, a path.
func Call(name string) slog.Attr { return slog.String("call", name) }

// On is what a system call is about.
func On(name string) slog.Attr { return slog.String("on", name) }

// Function is one of the kernel.
func Function(name string) slog.Attr { return slog.String("function", name) }

// CPU is how much processor time was used, in milliseconds, and within which time.
func CPU(used, within time.Duration) slog.Attr {
	return slog.Group("", slog.Int64("cpu_ms", used.Milliseconds()), slog.Int64("cpu_within_ms", within.Milliseconds()))
}

// Share is how much of a processor was used, in percent.
func Share(used, within time.Duration) slog.Attr {
	if within <= 0 {
		return slog.Int("share", 100) // it ran when it was looked at
	}
	return slog.Int("share", int(100*used/within))
}

// Socket is the name of a listening socket.
func Socket(name string) slog.Attr { return slog.String("socket", name) }

// Address is where a socket listens.
func Address(a string) slog.Attr { return slog.String("address", a) }

// Client is the address of who has connected; "" = it has none that is known.
func Client(source string) slog.Attr {
	if source == "" {
		source = "a client"
	}
	return slog.String("client", source)
}

// Path is that of a file.
func Path(p string) slog.Attr { return slog.String("path", p) }

// Version is that of availd.
func Version(v string) slog.Attr { return slog.String("version", v) }

// Names is a list of names as it was given.
func Names(list string) slog.Attr { return slog.String("names", list) }

// Kind is the event of messages that were left out, and LeftOut how many were.
func Kind(event string) slog.Attr { return slog.String("kind", event) }

// LeftOut is how many messages were left out, or lost.
func LeftOut(n uint64) slog.Attr { return slog.Uint64("left_out", n) }

// Seconds is a length of time.
func Seconds(n int) slog.Attr { return slog.Int("seconds", n) }

// Cause is an error. If it is a [Reason], its name and its fields are fields, too.
func Cause(err error) slog.Attr {
	var r *Reason
	text := slog.String("cause", err.Error())
	if errors.As(err, &r) {
		return slog.Group("", append([]any{text, slog.String(KeyReason, r.Name)}, r.any()...)...)
	}
	return slog.Group("", text)
}

// End is how a worker ended.
func End(r *Reason) slog.Attr {
	return slog.Group("", append([]any{slog.String("end", r.Error())}, r.any()...)...)
}

// words are what the fields are called where a message is quoted; N for all others, which
// are numbers.
var words = map[string]string{
	"worker_pid": "PID", "uid": "UID", "signal": "SIGNAL", "until": "TIME", "since": "TIME", "took": "TIME",
	"socket": "NAME", "address": "ADDRESS", "client": "CLIENT", "path": "PATH", "peers": "PEERS", "template_pid": "PID", "version": "VERSION",
	"option": "OPTION", "set_to": "VALUE", "configured": "VALUE", "was": "VALUE",
	"call": "CALL", "on": "PEER", "function": "FUNCTION", "size": "SIZE", "names": "NAMES", "kind": "EVENT", "cause": "CAUSE", "pid": "PID",
}
