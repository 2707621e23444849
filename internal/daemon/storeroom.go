package daemon

import (
	"os"
	"strconv"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/loop"
)

// ownStored is how many descriptors of availd's own are in the store or in its hands when
// the service manager starts it, besides those of workers and the listening sockets.
const ownStored = 16

// storeWarnings are for the loop to say, at the start and for another limit, when a crash with
// all workers that the limit permits would not be survived: the service manager passes the
// stored descriptors under the soft limit of the unit, and cannot start a service that has more
// of them; and what the store has no room for is dropped, so that the worker is looked for in
// the control group.
func (d *daemon) storeWarnings() []event.Line {
	if d.notifier == nil {
		return nil
	}
	return storeTroubles(d.cfg.Limit, d.cfg.Protocol.Channel, len(d.sockets.Workers), d.options.OwnDescriptors.Cur, os.Getenv("FDSTORE"))
}

// settingsAfter are the settings of a service whose limit was another one before, or the same.
func (d *daemon) settingsAfter(before int) loop.Settings {
	s := d.settings(d.cfg)
	if d.cfg.Limit != before {
		s.Ceilings = append(s.Ceilings, d.storeWarnings()...)
	}
	return s
}

// storeTroubles compares what workers need, their pidfds and, where they have them, status
// channels, with the soft limit of descriptors that availd
// was started with (0 = not known) and the size of the store (systemd 254 tells it).
func storeTroubles(limit int, channels bool, sockets int, soft uint64, store string) (troubles []event.Line) {
	if limit == 0 {
		return nil
	}
	stored, each := min(limit, loop.StoredMost)+ownStored, 1
	if channels {
		stored, each = stored+limit, 2
	}
	if need := stored + sockets + 3; soft > 0 && soft < uint64(need) {
		troubles = append(troubles, event.StoreLimit.With(event.Limit(limit), event.Set(soft), event.Needed(need), event.Wanted(each*limit+350)))
	}
	if room, err := strconv.Atoi(store); err == nil && room > 0 && room < stored {
		troubles = append(troubles, event.StoreSize.With(event.Limit(limit), event.Set(uint64(room)), event.Needed(stored), event.Wanted(each*limit+350)))
	}
	return troubles
}
