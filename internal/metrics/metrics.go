// Package metrics writes what is known of services in the text format of
// Prometheus, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Names and
// labels are an interface that dashboards and alert rules rely on. What is not
// known is left out, never 0.
//
// It counts nothing: every number is of a [status.Service], so that counters go
// on where they were when another availd takes the service over.
package metrics

import (
	"bytes"
	"time"

	"github.com/availd/availd/internal/status"
)

// ContentType is what HTTP says of the format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// family is the series of one name.
type family struct {
	name, kind, help string
	write            func(*series, *status.Service)
}

const (
	gauge     = "gauge"
	counter   = "counter"
	histogram = "histogram"
)

// families are all that there are, in the order in which they are shown.
var families = []family{
	{"availd_build_info", gauge, "1; the version of the availd that answers is a label.", func(o *series, s *status.Service) {
		o.add(1, "version", s.Version)
	}},
	{"availd_workers", gauge, "Worker processes by state.", func(o *series, s *status.Service) {
		o.addInt(s.Starting, "state", "starting")
		o.addInt(s.Idle, "state", "idle")
		o.addInt(s.Busy, "state", "busy")
		o.addInt(s.Retiring, "state", "retiring")
	}},
	{"availd_workers_limit", gauge, "Most workers at once; absent without a limit.", func(o *series, s *status.Service) {
		if s.Limit > 0 {
			o.addInt(s.Limit)
		}
	}},
	{"availd_queue_connections", gauge, "Connections that nobody has accepted yet.", queues},
	{"availd_stress", gauge, "1 during the overload window.", func(o *series, s *status.Service) {
		o.addBool(s.StressUntil != nil)
	}},
	{"availd_throttled", gauge, "1 while no workers are started after a bad start.", func(o *series, s *status.Service) {
		o.addBool(s.ThrottledUntil != nil)
	}},
	{"availd_workers_spawned_total", counter, "Workers started.", func(o *series, s *status.Service) {
		o.add(s.Counters.Spawned)
	}},
	{"availd_spawn_failures_total", counter, "Starts that the operating system refused.", func(o *series, s *status.Service) {
		o.add(s.Counters.SpawnFailures)
	}},
	{"availd_worker_exits_total", counter, "Workers that ended, by reason.", func(o *series, s *status.Service) {
		for i, reason := range reasons {
			o.add(s.Measures.Exits[i], "reason", reason)
		}
	}},
	{"availd_bad_starts_total", counter, "Workers that came to a bad end before their first request was done.", func(o *series, s *status.Service) {
		o.add(s.Counters.BadStarts)
	}},
	{"availd_requests_total", counter, "Requests done, as the workers report them.", func(o *series, s *status.Service) {
		if s.Counters.Requests != nil {
			o.add(*s.Counters.Requests)
		}
	}},
	{"availd_limit_reached_total", counter, "Times that all workers were busy and the limit was reached.", func(o *series, s *status.Service) {
		o.add(s.Counters.LimitReached)
	}},
	{"availd_throttles_total", counter, "Pauses of worker creation.", func(o *series, s *status.Service) {
		o.add(s.Counters.Throttles)
	}},
	{"availd_stress_episodes_total", counter, "Overload windows that were opened.", func(o *series, s *status.Service) {
		o.add(s.Counters.StressEpisodes)
	}},
	{"availd_rejected_reports_total", counter, "Reports that were not believed.", func(o *series, s *status.Service) {
		o.add(s.Counters.RejectedReports)
	}},
	{"availd_request_duration_seconds", histogram, "Time from a worker's busy to its idle; with inetd, of a whole session.", func(o *series, s *status.Service) {
		o.addHistogram(s.Measures.Requests)
	}},
	{"availd_worker_start_seconds", histogram, "Time from a worker's birth until it can accept.", func(o *series, s *status.Service) {
		o.addHistogram(s.Measures.Starts)
	}},
}

var reasons = [status.ExitReasons]string{
	status.ExitClean: "clean", status.ExitFailed: "failed", status.ExitSignal: "signal",
	status.ExitKilled: "killed", status.ExitUnknown: "unknown",
}

// Names are those of all families.
func Names() []string {
	var names []string
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

// Text shows one service.
func Text(s *status.Service) []byte {
	var out, lines bytes.Buffer
	for _, f := range families {
		lines.Reset()
		f.write(&series{&lines, f.name, s.Name}, s)
		if lines.Len() > 0 {
			f.head(&out)
			out.Write(lines.Bytes())
		}
	}
	return out.Bytes()
}

func (f family) head(b *bytes.Buffer) {
	b.WriteString("# HELP " + f.name + " " + f.help + "\n# TYPE " + f.name + " " + f.kind + "\n")
}

// queues adds the sockets up by name: those of one unit may have the same. One
// that is unknown makes the sum unknown.
func queues(o *series, s *status.Service) {
	sums, unknown := map[string]int{}, map[string]bool{}
	for _, socket := range s.Sockets {
		if socket.Queue == nil {
			unknown[socket.Name] = true
			continue
		}
		sums[socket.Name] += *socket.Queue
	}
	for _, socket := range s.Sockets {
		if n, first := sums[socket.Name]; first && !unknown[socket.Name] {
			o.addInt(n, "socket", socket.Name)
			delete(sums, socket.Name)
		}
	}
}

// addHistogram adds the cumulative buckets, the sum and the count; nothing
// where h is nil.
func (o *series) addHistogram(h *status.Histogram) {
	if h == nil {
		return
	}
	bucket := series{o.out, o.name + "_bucket", o.service}
	var n uint64
	for i, bound := range status.Bounds {
		n += h.Counts[i]
		bucket.add(n, "le", seconds(bound))
	}
	n += h.Counts[len(status.Bounds)]
	bucket.add(n, "le", "+Inf")
	(&series{o.out, o.name + "_sum", o.service}).write(seconds(h.Sum))
	(&series{o.out, o.name + "_count", o.service}).add(n)
}

func seconds(d time.Duration) string { return float(d.Seconds()) }
