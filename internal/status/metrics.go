package status

import (
	"bytes"
	"strconv"
	"time"

	"github.com/availd/availd/internal/state"
)

// MetricsContentType is what HTTP says of the format.
const MetricsContentType = "text/plain; version=0.0.4; charset=utf-8"

// family is the series of one name.
type family struct {
	name, kind, help string
	write            func(*series, *Service)
}

const (
	gauge     = "gauge"
	counter   = "counter"
	histogram = "histogram"
)

// families are all that there are, in the order in which they are shown.
var families = []family{
	{"availd_build_info", gauge, "1; the version of the availd that answers is a label.", func(o *series, s *Service) {
		o.add(1, "version", s.Version)
	}},
	{"availd_workers", gauge, "Worker processes by state.", func(o *series, s *Service) {
		o.addInt(s.Starting, "state", "starting")
		if s.Idle != UnknownCount {
			o.addInt(int(s.Idle), "state", "idle")
		}
		if s.Busy != UnknownCount {
			o.addInt(int(s.Busy), "state", "busy")
		}
		if n := s.Unknown(); n > 0 {
			o.addInt(n, "state", "unknown")
		}
		o.addInt(s.Retiring, "state", "retiring")
	}},
	{"availd_workers_limit", gauge, "Most workers at once; absent without a limit.", func(o *series, s *Service) {
		if s.Limit > 0 {
			o.addInt(s.Limit)
		}
	}},
	{"availd_queue_connections", gauge, "Connections that nobody has accepted yet.", queues},
	{"availd_sockets_faulty", gauge, "Sockets of that name by which clients cannot come.", faults},
	{"availd_unserved", gauge, "1 while clients wait and no worker accepts, although not all are busy.", func(o *series, s *Service) {
		o.addBool(s.UnservedSince != nil)
	}},
	{"availd_queue_oldest_seconds", gauge, "How long the oldest connection waits that nobody has accepted yet; of a Unix socket, at least so long.", oldest},
	{"availd_queue_abandoned_total", counter, "Clients that hung up while they waited, as far as they were seen to wait.", func(o *series, s *Service) {
		o.add(s.Counters.Abandoned)
	}},
	{"availd_queue_dropped_total", counter, "Connections that the kernel has dropped at sockets of that name, most of them because the backlog was full.", drops},
	{"availd_stress", gauge, "1 during the overload window.", func(o *series, s *Service) {
		o.addBool(s.StressUntil != nil)
	}},
	{"availd_template_ready", gauge, "1 while there is a template that workers are forked from; absent where none is wanted.", func(o *series, s *Service) {
		if s.Template != nil {
			o.addBool(s.Template.Ready)
		}
	}},
	{"availd_template_failures_total", counter, "Templates that failed: they ended before they were ready or while workers were to be forked, or the program cannot be one.", func(o *series, s *Service) {
		o.add(s.Counters.TemplateFailures)
	}},
	{"availd_template_fork_seconds", gauge, "Mean time that the present template has taken from an order until the worker was there.", func(o *series, s *Service) {
		if s.Template != nil && s.Template.MeanFork != nil {
			o.write(float(*s.Template.MeanFork))
		}
	}},
	{"availd_worker_pss_bytes", gauge, "Memory of a forked worker with its share of what it shares, the mean of some.", func(o *series, s *Service) {
		if s.Template != nil && s.Template.WorkerMemory != nil {
			o.write(strconv.FormatInt(*s.Template.WorkerMemory, 10))
		}
	}},
	{"availd_throttled", gauge, "1 while no workers are started after a bad start.", func(o *series, s *Service) {
		o.addBool(s.ThrottledUntil != nil)
	}},
	{"availd_workers_spawned_total", counter, "Workers started.", func(o *series, s *Service) {
		o.add(s.Counters.Spawned)
	}},
	{"availd_spawn_failures_total", counter, "Starts that the operating system refused.", func(o *series, s *Service) {
		o.add(s.Counters.SpawnFailures)
	}},
	{"availd_worker_exits_total", counter, "Workers that ended, by reason.", func(o *series, s *Service) {
		for i, reason := range reasons {
			o.add(s.Measures.Exits[i], "reason", reason)
		}
	}},
	{"availd_bad_starts_total", counter, "Workers that came to a bad end before their first request was done.", func(o *series, s *Service) {
		o.add(s.Counters.BadStarts)
	}},
	{"availd_requests_total", counter, "Requests done, as the workers report them.", func(o *series, s *Service) {
		if s.Counters.Requests != nil {
			o.add(*s.Counters.Requests)
		}
	}},
	{"availd_slow_requests_total", counter, "Requests that took longer than slow-after.", func(o *series, s *Service) {
		o.add(s.Counters.Slow)
	}},
	{"availd_workers_too_large_total", counter, "Workers retired because they took more than max-memory.", func(o *series, s *Service) {
		o.add(s.Counters.TooLarge)
	}},
	{"availd_limit_reached_total", counter, "Times that all workers were busy and the limit was reached.", func(o *series, s *Service) {
		o.add(s.Counters.LimitReached)
	}},
	{"availd_throttles_total", counter, "Pauses of worker creation.", func(o *series, s *Service) {
		o.add(s.Counters.Throttles)
	}},
	{"availd_stress_episodes_total", counter, "Overload windows that were opened.", func(o *series, s *Service) {
		o.add(s.Counters.StressEpisodes)
	}},
	{"availd_rejected_reports_total", counter, "Reports that were not believed.", func(o *series, s *Service) {
		o.add(s.Counters.RejectedReports)
	}},
	{"availd_request_duration_seconds", histogram, "Time from a worker's busy to its idle; with inetd, of a whole session.", func(o *series, s *Service) {
		o.addHistogram(s.Measures.Requests)
	}},
	{"availd_worker_start_seconds", histogram, "Time from a worker's start until it can accept.", func(o *series, s *Service) {
		o.addHistogram(s.Measures.Starts)
	}},
	{"availd_queue_wait_seconds", histogram, "How long connections waited until they were accepted; of a Unix socket, at least so long.", func(o *series, s *Service) {
		o.addHistogram(s.Measures.Waits)
	}},
}

var reasons = [ExitReasons]string{
	ExitClean: "clean", ExitFailed: "failed", ExitSignal: "signal",
	ExitKilled: "killed", ExitUnknown: "unknown",
}

// MetricNames are those of all families.
func MetricNames() []string {
	var names []string
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

// Metrics shows one service in the text format of Prometheus, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Names and labels are an
// interface that dashboards and alert rules rely on. What is not known is left out, never 0.
//
// Nothing is counted for it: every number is of the document, so that counters go on where
// they were when another availd takes the service over.
func Metrics(s *Service) []byte {
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

// queues adds the sockets up by name.
func queues(o *series, s *Service) {
	bySocket(o, s, func(socket *Socket) *uint64 {
		if socket.Queue == nil {
			return nil
		}
		n := uint64(*socket.Queue)
		return &n
	})
}

func drops(o *series, s *Service) {
	bySocket(o, s, func(socket *Socket) *uint64 { return socket.Drops })
}

func faults(o *series, s *Service) {
	bySocket(o, s, func(socket *Socket) *uint64 {
		var n uint64
		if socket.Fault != nil {
			n = 1
		}
		return &n
	})
}

// bySocket adds sockets up by name: those of one unit may have the same. One that is
// unknown makes the sum unknown.
func bySocket(o *series, s *Service, value func(*Socket) *uint64) {
	sums, unknown := map[string]uint64{}, map[string]bool{}
	for i := range s.Sockets {
		socket := &s.Sockets[i]
		if n := value(socket); n != nil {
			sums[socket.Name] += *n
		} else {
			unknown[socket.Name] = true
		}
	}
	for _, socket := range s.Sockets {
		if n, first := sums[socket.Name]; first && !unknown[socket.Name] {
			o.add(n, "socket", socket.Name)
			delete(sums, socket.Name)
		}
	}
}

// oldest shows the longest wait of the sockets of one name. One that is unknown makes
// it unknown.
func oldest(o *series, s *Service) {
	most, unknown := map[string]float64{}, map[string]bool{}
	for _, socket := range s.Sockets {
		if socket.OldestWait == nil {
			unknown[socket.Name] = true
			continue
		}
		most[socket.Name] = max(most[socket.Name], *socket.OldestWait)
	}
	for _, socket := range s.Sockets {
		if wait, first := most[socket.Name]; first && !unknown[socket.Name] {
			o.write(float(wait), "socket", socket.Name)
			delete(most, socket.Name)
		}
	}
}

// addHistogram adds the cumulative buckets, the sum and the count; nothing
// where h is nil.
func (o *series) addHistogram(h *state.Histogram) {
	if h == nil {
		return
	}
	bucket := series{o.out, o.name + "_bucket", o.service}
	var n uint64
	for i, bound := range state.Bounds {
		n += h.Counts[i]
		bucket.add(n, "le", seconds(bound))
	}
	n += h.Counts[len(state.Bounds)]
	bucket.add(n, "le", "+Inf")
	(&series{o.out, o.name + "_sum", o.service}).write(seconds(h.Sum))
	(&series{o.out, o.name + "_count", o.service}).add(n)
}

func seconds(d time.Duration) string { return float(d.Seconds()) }
