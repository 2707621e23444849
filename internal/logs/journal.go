package logs

import (
	"strings"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/availd/availd/internal/event"
)

// service is the attribute that names the service. Whoever reads a line knows
// it; a field is searched for.
const service = "service"

// FieldPrefix comes before the names of availd's fields in the journal.
const FieldPrefix = "AVAILD_"

// identifier is what the journal puts before a message: the name that systemd
// gives the lines of our standard error, too.
const identifier = "availd"

// journalSink sends to journald's own socket. Sending waits while that is full.
type journalSink struct {
	fallback sink // when there is no journald to be reached
}

func (j journalSink) write(e entry) {
	if err := journal.Send(e.text(), journal.Priority(priority(e.level)), fields(e)); err != nil {
		j.fallback(e)
	}
}

// fields are those of systemd.journal-fields(7), and availd's own.
func fields(e entry) map[string]string {
	vars := map[string]string{"SYSLOG_IDENTIFIER": identifier}
	if id := event.MessageID[e.field(event.KeyEvent)]; id != "" {
		vars["MESSAGE_ID"] = id
	}
	for _, a := range e.attrs {
		vars[FieldPrefix+strings.ToUpper(a.Key)] = a.Value.String()
	}
	return vars
}
