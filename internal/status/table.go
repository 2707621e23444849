package status

import (
	"io"
	"strconv"

	"github.com/availd/availd/internal/prose"
)

// leastName is how short names may become, so that a line fits.
const leastName = 12

// WriteTable shows one line a service. Where a line does not fit, the times of
// the conditions go first, then the ends of long names.
func WriteTable(w io.Writer, services []Service, st Style) error {
	if len(services) == 0 {
		return write(w, []string{
			"no services of availd are running",
			"(for one that was started by hand: availd status /path/of/its/control)",
		})
	}
	g := table(services, true, 0)
	if !fits(g, st) {
		g = table(services, false, 0)
	}
	if over := wider(g) - g.room(st); over > 0 && st.Width > 0 {
		g = table(services, false, max(leastName, g.widths()[0]-over))
	}
	return write(w, g.lines(st))
}

func fits(g *grid, st Style) bool { return st.Width == 0 || wider(g) <= g.room(st) }

// wider is the width of the last column.
func wider(g *grid) (most int) {
	for _, r := range g.rows {
		most = max(most, prose.Width(r[len(r)-1].text))
	}
	return most
}

// table is all services; name bounds the length of names, 0 = any.
func table(services []Service, times bool, name int) *grid {
	g := &grid{}
	head := texts("NAME", "BUSY", "IDLE", "TOTAL", "LIMIT", "QUEUE", "OLDEST", "REQUESTS", "CONDITION")
	for i := range head {
		head[i].paint = title
	}
	g.add(head)
	for _, s := range services {
		r := texts(s.Name, s.Busy.String(), s.Idle.String(), strconv.Itoa(s.Total),
			limitCell(s), queue(s.Sockets), oldestText(&s), optional(s.Counters.Requests))
		if name > 0 {
			r[0].text = prose.Cut(s.Name, name)
		}
		g.add(append(r, summary(conditions(s), times)))
	}
	return g
}
