package daemon

import (
	"context"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/state"
)

// openHistory takes over the history that an earlier availd has kept, or begins one.
// Clients are served without it as well, so a failure is only said.
func (d *daemon) openHistory() (err error) {
	if d.kept.history >= 0 {
		if d.area, err = state.OpenArea(d.kept.history, history.Size); err == nil && !history.IsKept(d.area.Memory) {
			err = state.ErrVersion
		}
		if err != nil {
			d.area = nil
			event.Log(d.log, event.HistoryLost, event.Cause(err))
			d.tell("FDSTOREREMOVE=1\nFDNAME=" + historyName)
		}
	}
	if d.area == nil {
		if d.area, err = state.CreateArea(historyName, history.Size); err != nil {
			event.Log(d.log, event.NoHistory, event.Cause(err))
			d.keepHistory(make([]byte, history.Size))
			return nil
		}
	}
	d.keepHistory(d.area.Memory)
	return nil
}

func (d *daemon) keepHistory(memory []byte) {
	d.history = history.New(memory)
	d.events.Keep(memory)
}

// past answers what the pool was like.
func (d *daemon) past(ctx context.Context) (history.Document, error) {
	p, err := d.loop.AskPast(ctx)
	if err != nil {
		return history.Document{}, err
	}
	return history.Compose(d.cfg.Name, p.Memory, p.Now, p.At, d.events.Latest()), nil
}
