//go:build e2e

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// A service under open load: arrivals at random, five times as many from one moment to the
// next, and with rise a slow rise to more than the limit serves and a fall to half of it.
const (
	openHold  = 100 * time.Millisecond // of a request, on average
	openDelay = 20 * time.Millisecond  // --queue-delay, and what Erlang's formula is asked for
	openLow   = 3 * time.Second
	openReach = 4 * time.Second // after the step, until what is judged as steady
	openRise  = 3 * time.Second
	openOver  = 4 * time.Second
	openFall  = 2 * time.Second
	openDrain = 3 * time.Second // after the fall, until what is judged as shrunk
	openFixed = 7 * time.Second // a pool of fixed size, for comparison
)

// openScale is how much load there is, as machines can start only so many workers in time.
// With each idle-timeout the pool becomes as small as it could have been in that time, and
// the next one may need some workers more: with few requests in it that is many starts for
// each of them, whoever manages the pool.
type openScale struct {
	low, high, over, after float64
	idle                   time.Duration // --idle-timeout
}

var (
	openMuch   = openScale{120, 600, 1200, 500, 4 * time.Second} // 60 are busy, 100 is the limit
	openLittle = openScale{20, 100, 240, 100, 8 * time.Second}   // 10 are, 20 is
	openFew    = openScale{1, 5, 12, 5, 4 * time.Second}         // a start for each of them
)

func (s openScale) limit() int { return max(4, int(s.over/1.2*openHold.Seconds())) }

// The times of the load, from its beginning.
func (s openScale) steady() time.Duration { return openLow + openReach }
func (s openScale) rises() time.Duration  { return s.steady() + 2*s.idle }
func (s openScale) falls() time.Duration  { return s.rises() + openRise + openOver }
func (s openScale) ends() time.Duration   { return s.falls() + openFall + openDrain + 2*s.idle }

// openCase is a row: how a protocol's service is started, and what is beside it.
type openCase struct {
	protocol openProtocol
	unix     bool
	start    string // milliseconds of a processor's time that a worker takes to start, at least
	busy     bool   // two busy loops are beside it
	overload bool   // the rise and the fall are part of it
	scale    openScale
	seed     int
}

func (c openCase) name() string {
	words := []string{c.protocol.name, "TCP", "start " + c.start + " ms", "idle machine"}
	if c.protocol.heavy {
		words[2] = "start of its own"
		if c.start != "0" {
			words[2] += " + " + c.start + " ms"
		}
	}
	if c.unix {
		words[1] = "AF_UNIX"
	}
	if c.busy {
		words[3] = "busy machine"
	}
	return strings.Join(words, ", ")
}

// openProtocol is a way to run workers. fixed, if there is one, runs a pool of just so
// many of them, or what comes next to it.
type openProtocol struct {
	name            string
	options         []string
	command         []string
	request, answer string
	heavy           bool // a start takes longer than a short program's
	pool            bool // workers stay: without, each request has one of its own
}

func openProtocols(t *testing.T) []openProtocol {
	http, answer := rig.HTTP("/sleep?ms=@@@@@")
	script := write(t, scratch(t), "nap.php", `<?php usleep(1000 * (int) $_GET["ms"]); echo "hello\n";`)
	php := []string{"/usr/bin/env", "PHP_FCGI_MAX_REQUESTS=0", "/usr/bin/php-cgi"}
	return []openProtocol{
		{name: "notify, datagrams", options: []string{"--protocol=notify"}, command: []string{httpC}, request: http, answer: answer, pool: true},
		{name: "notify, board", options: []string{"--protocol=notify"}, command: []string{httpCB}, request: http, answer: answer, pool: true},
		{name: "queue", options: []string{"--protocol=queue"}, command: []string{httpC}, request: http, answer: answer, pool: true},
		{
			name: "fastcgi", options: []string{"--protocol=fastcgi", "--retire-signal=TERM"}, command: php,
			request: fastcgiQuery(script, "ms=@@@@@"), answer: "hello", heavy: true, pool: true,
		},
		{name: "inetd", options: []string{"--protocol=inetd"}, command: []string{nap}, request: "@@@@@\n", answer: "hello"},
		{name: "postfix", options: []string{"--protocol=postfix"}, command: []string{postfixd}, request: http, answer: answer, pool: true},
	}
}

// openCases of a protocol: every two of socket, start and machine come together.
func openCases(p openProtocol) []openCase {
	quick, much, slow := "1", openMuch, openLittle
	if p.heavy {
		quick, much = "0", openLittle
	}
	if !p.pool {
		slow = openFew
	}
	return []openCase{
		{protocol: p, start: quick, scale: much, overload: true, seed: 1},
		{protocol: p, unix: true, start: "150", scale: slow, seed: 2},
		{protocol: p, start: "150", busy: true, scale: slow, seed: 3},
		{protocol: p, unix: true, start: quick, busy: true, scale: much, seed: 4},
	}
}

// TestOpen: the pool follows a load that does not wait for it.
func TestOpen(t *testing.T) {
	var results []openResult
	for _, p := range openProtocols(t) {
		t.Run(strings.ReplaceAll(p.name, ", ", "-"), func(t *testing.T) {
			for _, c := range openCases(p) {
				t.Run("case", func(t *testing.T) { results = append(results, c.run(t)) })
			}
		})
	}
	openGrid(t, results)
}

// run has the load on the service, and then on a fixed pool of the size that it had.
func (c openCase) run(t *testing.T) openResult {
	if c.busy {
		rig.Busy(t)
	}
	limit := fmt.Sprint("--limit=", c.scale.limit())
	address := c.address(t)
	a := rig.StartAvaildOn(t, harness.Availd, address, c.options(limit, fmt.Sprint("--idle-timeout=", c.scale.idle)), c.command()...)
	watch := a.Watch()
	load := c.load(address, c.profile())
	running := load.Start(t)
	r := openResult{openCase: c, begin: running.Begin}
	until(running.Begin, c.scale.steady())
	spawned := a.Status(t).Counters.Spawned
	until(running.Begin, c.scale.rises())
	now := a.Status(t).Counters
	r.starts, r.pauses = now.Spawned-spawned, now.Throttles
	r.requests = running.Wait(t)
	r.looks = watch.Stop()
	a.Stop()
	size := r.looks.Count(r.moment(c.scale.rises()-time.Second), r.moment(c.scale.rises()))
	address = c.address(t)
	if c.fixed(t, address, max(size, 1)) {
		load = c.load(address, []rig.Segment{{For: openFixed, From: c.scale.high, To: c.scale.high}})
		r.fixed = load.Start(t).Wait(t)
	}
	return r
}

// until waits for a time after a moment: it is the load's time, which goes on beside it.
func until(begin rig.Moment, after time.Duration) {
	<-time.After(after - rig.Now().Since(begin))
}

func (c openCase) address(t *testing.T) string {
	if c.unix {
		return filepath.Join(scratch(t), "socket")
	}
	return harness.Addr(harness.Port())
}

func (c openCase) options(more ...string) []string {
	return append(c.protocol.options[:1:1], append(c.protocol.options[1:], more...)...)
}

func (c openCase) command() []string {
	if c.start == "0" || c.start == "1" {
		return c.protocol.command
	}
	return append([]string{burn, c.start}, c.protocol.command...)
}

func (c openCase) profile() []rig.Segment {
	s := c.scale
	profile := []rig.Segment{{For: openLow, From: s.low, To: s.low}, {For: s.rises() - openLow, From: s.high, To: s.high}}
	if !c.overload {
		return profile
	}
	return append(profile, rig.Segment{For: openRise, From: s.high, To: s.over}, rig.Segment{For: openOver, From: s.over, To: s.over},
		rig.Segment{For: openFall, From: s.over, To: s.after}, rig.Segment{For: s.ends() - s.falls() - openFall, From: s.after, To: s.after})
}

func (c openCase) load(address string, profile []rig.Segment) rig.Open {
	return rig.Open{
		Program: opener, To: address, Seed: c.seed, Hold: openHold,
		Request: c.protocol.request, Answer: c.protocol.answer, Profile: profile,
	}
}

// fixed starts a pool of that size, all of whose workers are there; or what has a process
// for each connection and the same limit. false: there is nothing like it.
func (c openCase) fixed(t *testing.T, address string, size int) bool {
	if c.protocol.pool {
		n := fmt.Sprint(size)
		s := rig.StartAvaildOn(t, harness.Availd, address, c.options("--limit="+n, "--min-spare="+n, "--max-starting="+n), c.command()...)
		s.AwaitWorkers(t, size, func(p harness.Process) bool { return p.Exe() != burn && p.State() == "S" })
		return true
	}
	if c.unix {
		return false
	}
	var port int
	if _, err := fmt.Sscanf(address, "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	startTcpserver(t, port, c.scale.limit(), c.command()...)
	return true
}

// gridOf is table for a grid.
func gridOf(t *testing.T, title string, columns ...string) *rig.Grid {
	grid := rig.NewGrid(os.Stdout, title, columns...)
	t.Cleanup(func() {
		if short := grid.Short(); len(short) > 0 {
			fmt.Printf("\nshort: %s\n", strings.Join(short, "; "))
		}
	})
	return grid
}
