package daemon

import (
	"slices"
	"sync"
	"time"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/status"
)

// This file finds out how much memory a worker takes for itself, with what it has started:
// its anonymous memory, in pages and in swap. Files that are mapped into it are not its own.
//
// The kernel keeps a count of that, which costs nothing to read. But pages that a fork
// shares with its template, or with what it has forked itself, are in the count of both. So
// one that is above the limit by the count is looked at closely then: only pages that no other
// process has are its own. For that the kernel walks all pages of the process, which takes
// milliseconds, and longer the larger it is. Where there are no forks the count is what it takes.

// measureShare is the part of a processor that the counts may use, and again the close looks:
// half a hundredth.
const measureShare = 200

// mostBlind is for how long at most no counts are read because reading them was dear once.
// Workers that leak fill a machine in some seconds; and where memory is short already, the
// kernel books its search for some on who reads.
const mostBlind = 2 * time.Second

// mostRelatives bounds how many processes of one worker are looked at.
const mostRelatives = 16

// measurer measures, as much as its allowances permit.
type measurer struct {
	counts, closely nowait.Allowance
	next            int // pid with which it begins: the first one that was left out
}

func newMeasurer() *measurer {
	return &measurer{
		counts:  nowait.Allowance{Share: measureShare, MostOwed: mostBlind / measureShare},
		closely: nowait.Allowance{Share: measureShare, MostOwed: 5 * mostBlind / measureShare},
	}
}

// measure looks how much memory workers take.
func (d *daemon) measure(pids []int, limit int64, done func([]int64)) {
	q := measureQuestion{pids, limit, d.cfg.Template != config.TemplateOff}
	d.sizes.ask(q, done, func() func(measureQuestion) []int64 {
		return newMeasurer().sizes
	})
}

type measureQuestion struct {
	pids  []int
	limit int64
	forks bool // workers are forks of a template
}

func (m *measurer) sizes(q measureQuestion) []int64 {
	sizes := make([]int64, len(q.pids))
	nowait.Blocking(func() {
		first := max(0, slices.Index(q.pids, m.next))
		m.next = 0
		for n := range sizes {
			i := (first + n) % len(sizes)
			if sizes[i] = m.sizeOf(q.pids[i], q); sizes[i] == loop.SizeNotLooked && m.next == 0 {
				m.next = q.pids[i]
			}
		}
	})
	return sizes
}

// sizeOf is the memory of a worker in bytes, SizeUnknown or SizeNotLooked.
func (m *measurer) sizeOf(pid int, q measureQuestion) int64 {
	if !m.counts.Begin() {
		return loop.SizeNotLooked
	}
	family := relatives(pid)
	counted, known := sum(family, procfs.Anonymous)
	m.counts.End()
	switch {
	case !known:
		return loop.SizeUnknown
	case counted > q.limit && (q.forks || len(family) > 1):
		return m.own(family)
	case q.forks: // what it shares is in it, so how large it is is not known; but not too large
		return loop.SizeUnknown
	}
	return counted
}

// own is what a worker and what it has started share with nobody else.
func (m *measurer) own(family []int) int64 {
	if !m.closely.Begin() {
		return loop.SizeNotLooked
	}
	defer m.closely.End()
	if size, known := sum(family, own); known {
		return size
	}
	return loop.SizeUnknown
}

func sum(pids []int, of func(int) (int64, bool)) (total int64, known bool) {
	for _, pid := range pids {
		n, ok := of(pid)
		total += n
		known = known || ok
	}
	return total, known
}

func own(pid int) (int64, bool) {
	m, ok := procfs.MemoryOf(pid)
	return min(m.Private, m.Anonymous) + m.Swapped, ok
}

// relatives are a process and what it has started.
func relatives(pid int) []int {
	list := []int{pid}
	for i := 0; i < len(list) && len(list) < mostRelatives; i++ {
		children, _ := procfs.Children(list[i])
		list = append(list, children...)
	}
	return list[:min(len(list), mostRelatives)]
}

// sizesAge is how long sizes are good that somebody has asked for, and sizesShare bounds what
// they take of a processor, however often they are asked for: those of 5,000 workers take
// 0.15 s.
const (
	sizesAge   = time.Second
	sizesShare = 50
)

// shownSizes completes the answers about a service by how much memory its workers take, as
// far as the loop does not know it. Those who ask read the kernel's counts, in goroutines of
// their own.
type shownSizes struct {
	mu    sync.Mutex
	until time.Time
	sizes map[int]int64 // by pid
}

func (z *shownSizes) give(s *status.Service) {
	if s.Template != nil { // the counts have what forks share
		return
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if began := time.Now(); z.sizes == nil || began.After(z.until) {
		z.sizes = make(map[int]int64, len(s.Workers))
		for _, w := range s.Workers {
			if n, ok := procfs.Anonymous(w.PID); ok && w.PID > 0 {
				z.sizes[w.PID] = n
			}
		}
		z.until = time.Now().Add(max(sizesAge, sizesShare*time.Since(began)))
	}
	for i := range s.Workers {
		if n, known := z.sizes[s.Workers[i].PID]; known && s.Workers[i].Memory == nil {
			s.Workers[i].Memory = &n
		}
	}
}
