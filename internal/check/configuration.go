package check

import (
	"errors"
	"fmt"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/protocol"
)

// configuration is about the options, and whether the program wants that protocol.
func configuration(f *Facts, r *report) {
	if f.RunErr != nil {
		r.setting(Warning, "exec-start", &f.Service, "Service", "ExecStart=",
			"%v: what depends on them is not checked; have it run %s itself, by exec where a shell has to come before", f.RunErr, "availd run")
		return
	}
	if f.ConfigErr != nil {
		r.add(refused(f))
		return
	}
	wrongProtocol(f, r)
	if f.Status != nil && f.Status.Protocol != f.Config.Protocol.Name {
		r.about(Warning, "restart-needed", f.Name, "protocol=%s is not in effect: the service runs with %s until it is restarted; systemctl restart %s",
			f.Config.Protocol, f.Status.Protocol, f.Service.Name)
	}
	if f.Status != nil && f.Status.Limit != f.Config.Limit && f.Status.Protocol == f.Config.Protocol.Name {
		r.about(Warning, "reload-needed", f.Name, "limit=%d is not in effect: the service runs with %d until it is reloaded; systemctl reload %s",
			f.Config.Limit, f.Status.Limit, f.Service.Name)
	}
}

func refused(f *Facts) Finding {
	finding := Finding{Severity: Error, ID: "configuration-refused", In: f.Service.Name}
	text := f.ConfigErr.Error()
	var e *config.Error
	if errors.As(f.ConfigErr, &e) {
		if e.File != "" {
			finding.In, finding.Place = e.File, fmt.Sprintf("%s:%d", e.File, e.Line)
			if e.Line == 0 {
				finding.Place = ""
			}
		}
		if e.Option != "" {
			finding.Line = e.Option + "=" + e.Value
		}
		text = e.Complaint()
	}
	finding.Text = text + ": the service cannot be started or reloaded until that is fixed"
	return finding
}

// wrongID is the finding about a protocol that a program does not speak.
const wrongID = "wrong-protocol"

func wrongProtocol(f *Facts, r *report) {
	known := protocol.Of(f.Config.Command)
	switch now := f.Config.Protocol; {
	case known == nil || known.Protocol == now:
	case known.Protocol == nil:
		r.about(Warning, wrongID, f.Name, "%s is no program for availd: %s; run it without availd, or one that serves one client at a time",
			f.Config.Command[0], known.Why)
	default:
		r.add(Finding{
			Severity: Error, ID: wrongID, Line: "protocol=" + known.Protocol.Name, In: f.configPlace(),
			Text: fmt.Sprintf("%s does not speak protocol=%s, as %s: clients wait for ever; change the line, then systemctl restart %s",
				f.Config.Command[0], now, known.Why, f.Service.Name),
		})
	}
}

// configPlace is where options stand.
func (f *Facts) configPlace() string {
	if file := f.Run.ConfigFile(); file != "" {
		return file
	}
	return "ExecStart= of " + f.Service.Name
}
