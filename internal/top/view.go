package top

import (
	"slices"
	"time"

	"github.com/availd/availd/internal/status"
)

// View is how a picture is looked at. Its zero value shows all services.
type View struct {
	Width, Height int
	// Only is the service that is shown; "" = all.
	Only string
	// ASCII: the terminal shows nothing else.
	ASCII bool
	Color bool

	sort     int  // an index of orders
	reverse  bool // … the other way round
	paused   bool
	help     bool
	details  bool
	selected key // of a worker; the zero key = the first one
	quit     bool
}

// key tells a worker from all others of the host.
type key struct {
	service    string
	generation uint64
}

// Paused: the picture is to stay as it is.
func (v View) Paused() bool { return v.paused }

// Quit: nothing more is to be shown.
func (v View) Quit() bool { return v.quit }

// Key is a key that was pressed, by the letter on it, or one of these.
type Key rune

// Keys without a letter.
const (
	Up Key = -1 - iota
	Down
	PageUp
	PageDown
	Home
	End
	Enter
	Escape
	Interrupt // Ctrl and C
	Suspend   // Ctrl and Z, which is the caller's
	Redraw    // Ctrl and L, which is the caller's
)

// page is how many workers PageUp and PageDown pass.
const page = 10

// Press is the view after a key was pressed while p was shown.
func (v View) Press(k Key, p Picture) View {
	if v.help { // any key ends it
		v.help = false
		v.quit = k == 'q' || k == Interrupt
		return v
	}
	switch k {
	case 'q', Interrupt:
		v.quit = true
	case 'h', '?':
		v.help = true
	case 'p', ' ':
		v.paused = !v.paused
	case 's':
		v.sort = (v.sort + 1) % len(orders)
	case 'S':
		v.sort = (v.sort + len(orders) - 1) % len(orders)
	case 'r':
		v.reverse = !v.reverse
	case 'n':
		v.Only = following(v.Only, p)
		v.selected, v.details = key{}, false
	case 'a':
		v.Only, v.selected, v.details = "", key{}, false
	case Up, 'k':
		v = v.move(-1, p)
	case Down, 'j':
		v = v.move(1, p)
	case PageUp:
		v = v.move(-page, p)
	case PageDown:
		v = v.move(page, p)
	case Home, 'g':
		v = v.move(-1<<30, p)
	case End, 'G':
		v = v.move(1<<30, p)
	case Enter, 'd':
		v = v.move(0, p) // the worker stays, wherever it is sorted to
		v.details = !v.details
	case Escape:
		v.details = false
	}
	return v
}

// following is the service after that of the name; after the last all are shown.
func following(name string, p Picture) string {
	for _, e := range p.Entries {
		if e.Name > name {
			return e.Name
		}
	}
	return ""
}

// move selects another worker, n places further down.
func (v View) move(n int, p Picture) View {
	all := v.workers(p)
	if len(all) == 0 {
		return v
	}
	at := max(0, v.place(all))
	v.selected = all[min(max(at+n, 0), len(all)-1)].key()
	return v
}

// place is that of the selected worker, -1 if it is gone.
func (v View) place(all []row) int {
	if v.selected == (key{}) {
		return 0
	}
	return slices.IndexFunc(all, func(r row) bool { return r.key() == v.selected })
}

// row is a worker in the list.
type row struct {
	service string
	status.Worker
	busyFor time.Duration // at its request
}

func (r row) key() key { return key{r.service, r.Generation} }

// order is one in which workers may be sorted. less: a comes first.
type order struct {
	name string
	less func(a, b row) bool
}

// orders begin with the one that shows who is stuck.
var orders = []order{
	{"for", func(a, b row) bool {
		return a.busyFor > b.busyFor || a.busyFor == b.busyFor && rank(a.State) < rank(b.State)
	}},
	{"age", func(a, b row) bool { return a.AgeSeconds > b.AgeSeconds }},
	{"requests", func(a, b row) bool { return requests(a) > requests(b) }},
	{"state", func(a, b row) bool { return rank(a.State) < rank(b.State) }},
	{"pid", func(a, b row) bool { return a.PID < b.PID }},
}

// rank is the order of states: those come first in which a worker may be stuck.
func rank(state string) int {
	return slices.Index([]string{"idle", "unknown", "starting", "retiring", "busy"}, state) * -1
}

func requests(r row) uint64 {
	if r.Requests == nil {
		return 0
	}
	return *r.Requests
}

// workers are those of the services that are shown, sorted.
func (v View) workers(p Picture) (all []row) {
	for _, e := range p.Entries {
		if e.Now == nil || v.Only != "" && e.Name != v.Only {
			continue
		}
		for _, w := range e.Now.Workers {
			all = append(all, row{e.Name, w, busyFor(w)})
		}
	}
	o := orders[v.sort]
	slices.SortStableFunc(all, func(a, b row) int {
		if v.reverse {
			a, b = b, a
		}
		switch {
		case o.less(a, b):
			return -1
		case o.less(b, a):
			return 1
		}
		return 0
	})
	return all
}
