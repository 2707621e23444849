package event

import "log/slog"

// What subcommands say to whoever has typed them: outcomes, and why there is none.
var (
	DoneReloading = Phrase{"reloaded", "{name}: reloaded, {workers worker} replaced or asked to retire"}
	DoneUpgrading = Phrase{"upgraded", "{name}: upgraded to {version}, {workers worker} kept"}

	DoneSetting   = Phrase{"set", "{name}: {option}={set_to} is in force, in place of {configured}"}
	DoneUnsetting = Phrase{"set", "{name}: {option}={set_to} is in force, as configured"}
	SetWarning    = Phrase{"set", "{name}: {warning}"}

	NotSet         = Phrase{"not_set", "{name} is not changed: {cause}"}
	SetTooOld      = Phrase{"not_set", "{name} is not changed: its availd is of a version without set; run availd upgrade {name}"}
	NotReloaded    = Phrase{"not_reloaded", "{name} is not reloaded: {cause}"}
	NotKnown       = Phrase{"not_known", "it is not known whether {name} has done it: {cause}; availd status {name} shows how it is now"}
	NotUpgraded    = Phrase{"not_upgraded", "{name} is not upgraded: {cause}"}
	NotRunning     = Phrase{"not_running", "service {name} is not running: {cause} (see systemctl status {name}.service {name}.socket)"}
	NotRunningPath = Phrase{"not_running", "service {name} is not running: {cause}"}
	NoSuchPath     = Phrase{"no_path", "there is no {path}"}
	NobodyAnswers  = Phrase{"nobody_answers", "nobody answers on {path}"}
	NoAnswer       = Phrase{"no_answer", "service {name} does not answer: {cause}"}
	LateAnswer     = Phrase{"late_answer", "service {name} does not answer within {took}; check whether its availd is stopped, or short of CPU time"}

	BeingStopped = Phrase{"draining", "the service is being stopped"}
)

// Name is that of a service.
func Name(n string) slog.Attr { return slog.String("name", n) }
