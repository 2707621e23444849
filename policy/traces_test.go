package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// item is one input of a trace, and the expected output of its step.
type item struct {
	T         int64    `json:"t"`
	Event     string   `json:"event"`
	ForkFails bool     `json:"fork_fails"`
	Worker    int      `json:"worker"`
	Gen       uint64   `json:"generation"`
	Available any      `json:"available"`
	Lost      bool     `json:"lost"`
	ExitCode  int      `json:"exit_code"`
	Signal    int      `json:"signal"`
	Stopped   int      `json:"stopped"`
	MaxProcs  int      `json:"max_procs"`
	Eligible  bool     `json:"stress_eligible"`
	Throttle  int64    `json:"throttle_delay_s"`
	Items     []item   `json:"items"`
	Exits     []item   `json:"exits"`
	Actions   []action `json:"actions"`
	State     any      `json:"state"`
}

type action = map[string]any

// replay feeds one trace to a Service.
type replay struct {
	t       *testing.T
	s       *Service
	now     Instant
	workers int
	fails   bool
	got     []action
}

// TestTraces feeds every golden trace to the zero configuration: the same
// actions and the same state, all steps.
func TestTraces(t *testing.T) {
	dir := os.Getenv("POLICY_TRACES")
	if dir == "" {
		dir = filepath.Join("testdata", "traces")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces in %s (%v)", dir, err)
	}
	steps := 0
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { steps += replayFile(t, f) })
	}
	fmt.Printf("traces: %d, steps: %d\n", len(files), steps)
}

func replayFile(t *testing.T, file string) (steps int) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	var head struct {
		Config struct {
			item
			Unknown string `json:"unknown_exit"`
			Hold    int64  `json:"stress_hold_s"`
			Warn    int64  `json:"busy_warn_interval_s"`
		}
	}
	mustDecode(t, lines.Bytes(), &head)
	if head.Config.Hold*int64(time.Second) != int64(StressHold) || head.Config.Warn*int64(time.Second) != int64(WarnInterval) {
		t.Fatalf("constants differ: %+v", head.Config)
	}
	cfg := config(head.Config.item)
	cfg.IgnoreUnknownExit = head.Config.Unknown == "ignore"
	r := &replay{t: t, s: New(cfg)}
	for lines.Scan() {
		var it item
		mustDecode(t, lines.Bytes(), &it)
		steps++
		if !r.step(it, cfg.IgnoreUnknownExit) {
			t.Fatalf("step %d: %s\n got %s", steps, lines.Bytes(), r.describe())
		}
	}
	return steps
}

func config(it item) Config {
	return Config{
		Limit: it.MaxProcs, StressEligible: it.Eligible,
		ThrottleDelay: time.Duration(it.Throttle) * time.Second,
	}
}

func mustDecode(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

func (r *replay) step(it item, ignoreUnknown bool) bool {
	r.now = time.Duration(it.T) * time.Second
	r.got = []action{}
	r.do(r.s.Tick(r.now))
	r.event(it, ignoreUnknown)
	return reflect.DeepEqual(normal(r.got), normal(it.Actions)) && reflect.DeepEqual(r.state(), it.State)
}

func (r *replay) event(it item, ignoreUnknown bool) {
	switch it.Event {
	case "start":
		r.do(r.s.Start(r.now))
	case "connection":
		r.fails = it.ForkFails
		r.do(r.s.Connection(r.now, 1))
	case "status":
		r.status(it)
	case "status_partial":
		r.do(r.s.PartialStatus(r.now, it.Worker))
	case "status_read_error":
		r.do(r.s.StatusReadError(r.now))
	case "status_eof":
		r.do(r.s.StatusEOF(r.now))
	case "exit":
		r.do(r.s.Exit(r.now, it.Worker, end(it)))
	case "reload":
		cfg := config(it)
		cfg.IgnoreUnknownExit = ignoreUnknown
		r.do(r.s.Reload(r.now, cfg))
	case "tick":
	case "batch":
		for _, i := range it.Items {
			r.event(i, ignoreUnknown)
		}
	case "stop":
		r.do(r.s.Stop(r.now))
		for _, e := range it.Exits {
			r.do(r.s.Exit(r.now, e.Worker, end(e)))
		}
	default:
		r.t.Fatalf("unknown event %q", it.Event)
	}
}

func (r *replay) status(it item) {
	if it.Lost {
		return // it writes into a channel that nobody reads
	}
	rep := Report{Worker: it.Worker, Generation: it.Gen, HasAvailable: true, Held: -1, Finished: -1}
	switch v := it.Available.(type) {
	case bool:
		if v {
			rep.Available = Idle
		}
	case float64:
		rep.Available = int(v)
	}
	acts, _ := r.s.Status(r.now, rep)
	r.do(acts)
}

func end(it item) End {
	if it.Stopped != 0 {
		return End{Signal: it.Stopped, Stopped: true}
	}
	return End{Code: it.ExitCode, Signal: it.Signal}
}

// do carries the actions out, which for a start means to answer it, and writes
// them down the way the traces do.
func (r *replay) do(acts []Action) {
	for _, a := range slices.Clone(acts) {
		if a.Kind == Start {
			r.start(a)
			continue
		}
		r.got = append(r.got, written(r.t, a))
	}
}

func (r *replay) start(a Action) {
	if r.fails {
		r.got = append(r.got, action{"spawn_failed": true, "generation": a.Generation})
		r.do(r.s.StartFailed(r.now, a.Generation))
		return
	}
	r.workers++
	r.got = append(r.got, action{"spawn": r.workers, "generation": a.Generation, "stress": a.Stress})
	r.do(r.s.Started(r.now, a.Generation, r.workers))
}

func written(t *testing.T, a Action) action {
	switch a.Kind {
	case Listen:
		return action{"listen": a.Watch == WatchOn}
	case RestartWorkers:
		return action{"restart_workers": true}
	case StatusClosed:
		return action{"status_closed": true}
	case Throttle:
		return action{"throttle": true}
	case Unthrottle:
		return action{"throttle": false}
	case Signal:
		return action{"kill": a.Worker, "signal": a.Number}
	case WarnLimit:
		return action{"warn": "process_limit"}
	case WarnBadStart:
		return action{"warn": "bad_startup"}
	case WarnExitStatus:
		return action{"warn": "exit_status", "worker": a.Worker, "exit_code": a.End.Code}
	case WarnKilled:
		return action{"warn": "killed", "worker": a.Worker, "signal": a.End.Signal}
	case WarnStopped:
		return action{"warn": "stopped", "worker": a.Worker, "signal": a.End.Signal}
	case WarnUnknownStatus:
		return action{"warn": "unknown_status", "worker": a.Worker, "value": a.Number}
	case WarnPartialStatus:
		return action{"warn": "partial_status"}
	case WarnReadError:
		return action{"warn": "status_read_error"}
	case InfoStale:
		return action{"info": "stale_generation", "worker": a.Worker, "generation": a.Generation}
	case PanicUnknownChild:
		return action{"panic": "unknown_child"}
	case PanicStatusEOF:
		return action{"panic": "status_eof"}
	}
	t.Fatalf("action %+v does not occur in traces", a)
	return nil
}

// normal gives actions the types that JSON has.
func normal(acts []action) any {
	b, _ := json.Marshal(acts)
	var v any
	_ = json.Unmarshal(b, &v)
	return v
}

func (r *replay) state() any {
	c := r.s.Condition(r.now)
	m := map[string]any{
		"total": float64(c.Total), "available": float64(c.Starting + c.Idle),
		"listening": c.Watch == WatchOn, "throttled": c.Throttled, "stress_until": nil,
	}
	if c.StressUntil != never {
		m["stress_until"] = c.StressUntil.Seconds()
	}
	return m
}

func (r *replay) describe() string {
	b, _ := json.Marshal(map[string]any{"actions": r.got, "state": r.state()})
	return string(b)
}
