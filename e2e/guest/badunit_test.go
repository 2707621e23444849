//go:build e2e

package guest

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// refusal is a pool that cannot come up.
type refusal struct {
	pool
	prepare func(*service)
	exit    int
	says    []string // in the journal
	quiet   bool     // STATUS= cannot be sent: a wrapper is the main process
}

// TestRefused: what availd cannot work with is said in STATUS= and the journal,
// with the exit status that tells who has to fix it.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.run(t)
		})
	}
}

// refusals are the cases; the name is that of the units.
func refusals() []refusal {
	return append(refusedSockets(), refusedOptions()...)
}

func refusedSockets() []refusal {
	return []refusal{
		{
			pool: pool{name: "netlink", listen: []string{"ListenNetlink=kobject-uevent 1"}},
			exit: 78, says: []string{"is a netlink socket", "(ListenNetlink=)"},
		}, {
			pool: pool{name: "mqueue", listen: []string{"ListenMessageQueue=/availd-e2e"}},
			exit: 78, says: []string{"is a message queue", "(ListenMessageQueue=)"},
		}, {
			pool: pool{name: "special", listen: []string{"ListenSpecial=/dev/pts/ptmx"}},
			exit: 78, says: []string{"is a device", "(ListenSpecial=)"},
		}, {
			pool: pool{name: "garbage"}, prepare: wrapped("export LISTEN_FDS=banana; exec \"$@\""),
			exit: 78, says: []string{`LISTEN_FDS="banana" is not a number`, "Environment="},
		}, {
			pool: pool{name: "toomany"}, prepare: wrapped("export LISTEN_FDS=3; exec \"$@\""),
			exit: 78, says: []string{"descriptor 4", "of LISTEN_FDS=3 is closed"},
		}, {
			pool: pool{name: "closed"}, prepare: wrapped("exec 3>&-; exec \"$@\""),
			exit: 78, says: []string{"descriptor 3", "is closed", "ExecStart="},
		}, {
			pool: pool{name: "parent"}, prepare: wrapped("\"$@\"; exit $?"), quiet: true,
			exit: 78, says: []string{"names the parent process", "(ExecStart=)", "exec availd"},
		},
	}
}

// refusedOptions are written into ExecStart=, where a person would.
func refusedOptions() []refusal {
	option := func(name, option string, says ...string) refusal {
		return refusal{pool: pool{name: name}, prepare: reworded(option), exit: 64, says: says}
	}
	all := []refusal{
		option("range", "--limit=1000001", "--limit=1000001", "accepted: a decimal number from 1 to 1000000"),
		option("sign", "--limit=-1", "--limit=-1"),
		option("span", "'--idle-timeout=5 parsecs'", "--idle-timeout=5 parsecs"),
		option("word", "--stress=much", "--stress=much", "accepted: auto, restart, flag or off"),
		option("misspelt", "--limt=5", "--limt: unknown option, did you mean --limit?"),
		option("unknown", "--zebra", "--zebra: unknown option"),
		option("spares", "--limit=2 --min-spare=3", "min-spare=3", "--limit=2"),
		option("dashes", "/bin/true", "COMMAND must follow --"),
	}
	return append(all,
		refusal{
			pool: pool{name: "badfile"}, prepare: configured("# a comment", "limit=4", "limit 5"),
			exit: 78, says: []string{"/refused-badfile.conf:3: "},
		}, refusal{
			pool: pool{name: "nofile"}, prepare: func(s *service) { s.unknob(filepath.Base(s.conf)) },
			exit: 78, says: []string{"/refused-nofile.conf: ", "no such file"},
		})
}

// wrapped puts a shell script before availd.
func wrapped(script string) func(*service) {
	return func(s *service) { s.write("wrapper", "#!/bin/sh\n"+script+"\n") }
}

func configured(options ...string) func(*service) {
	return func(s *service) { s.configure(options...) }
}

// reworded puts words before the options of the generated command.
func reworded(words string) func(*service) { return func(s *service) { s.write("words", words) } }

func (r refusal) run(t *testing.T) {
	prepare := r.prepare
	if prepare == nil {
		prepare = func(*service) {}
	}
	r.pool.name = "refused-" + r.pool.name
	r.pool.service = append(r.pool.service, execStart(r.pool))
	s := r.pool.install(t, prepare)
	check := s.neverFailed(t)
	harness.Systemctl(t, "start", "--no-block", s.Service())
	begin := time.Now()
	s.awaitSaid("the next attempt is in 5 s")
	s.awaitSaid(r.says...)
	for _, text := range r.says {
		if !r.quiet { // it may have been started once more meanwhile
			harness.WaitFor(t, "STATUS= to say "+text, harness.Patience, seldom(func() bool { return strings.Contains(s.Status(), text) }))
		}
	}
	s.awaitSaid(fmt.Sprintf("Main process exited, code=exited, status=%d/", r.exit))
	t.Logf("ended %v after the start: %s", time.Since(begin).Round(10*time.Millisecond), s.complaint())
	if held := s.times(1, "Main process exited")[0] - s.times(1, "Starting ")[0]; held < 4.9 || held > 20 {
		t.Errorf("held back for %.2f s, want 5", held)
	}
	check()
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	// availd below a wrapper is not told to stop, and ends by itself.
	harness.WaitFor(t, "the last process", harness.Patience, func() bool { return len(s.Processes()) == 0 })
}

// execStart is the line with the wrapper and the words of the case, if any.
func execStart(p pool) string {
	dir := filepath.Join(filesRoot, p.name)
	return fmt.Sprintf("ExecStart=\nExecStart=/bin/sh -c 'w=%[1]s/wrapper; test -e $w || w=; "+
		"eval exec $w %[2]s run --config %[3]s $(cat %[1]s/words 2>/dev/null) -- %[1]s/worker.py %[1]s'",
		dir, harness.Availd, p.conf())
}

// complaint is what availd said first.
func (s *service) complaint() string {
	for _, line := range splitLines(s.Journal()) {
		if _, text, ok := strings.Cut(line, ": availd: "); ok {
			return text
		}
	}
	return "nothing"
}

// TestNoSockets: the service by itself.
func TestNoSockets(t *testing.T) {
	t.Parallel()
	s := pool{name: "no-sockets"}.install(t)
	harness.Systemctl(t, "stop", s.Socket())
	s.Rewrite(s.withoutSocket())
	harness.Systemctl(t, "start", "--no-block", s.Service())
	s.awaitSaid("no sockets were passed, so there is nothing to serve: start this service through its .socket unit")
	s.awaitSaid("status=78/CONFIG")
}

// TestAccept: connections instead of a listener.
func TestAccept(t *testing.T) {
	t.Parallel()
	s := pool{name: "accept", socket: []string{"Accept=yes"}}.install(t, func(s *service) {
		s.extraUnit("accept@.service", "[Service]\nType=notify\nDynamicUser=yes\nExecStart="+
			harness.Availd+" run -- "+s.dir+"/worker.py "+s.dir+"\n")
	})
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const text = "is a connection, not a listening socket, so there is nothing to keep workers behind (Accept=yes); set Accept=no"
	harness.WaitFor(t, "the journal to explain it", harness.Patience, func() bool {
		return strings.Contains(harness.Journal("accept@*.service"), text)
	})
	harness.WaitFor(t, "the exit status", harness.Patience, func() bool {
		return strings.Contains(harness.Journal("accept@*.service"), "status=78/CONFIG")
	})
}

// TestFixed: the clients of a service that cannot come up wait until it can.
func TestFixed(t *testing.T) {
	t.Parallel()
	s := pool{name: "fixed"}.install(t, configured("--limit=lots"))
	check := s.neverFailed(t)
	clients := []client{s.client(), s.client(), s.client()}
	s.awaitSaid("fixed.conf:1: limit=lots")
	s.configure("--limit=2")
	for _, c := range clients {
		c.served(t)
	}
	if n := s.state().Limit; n != 2 {
		t.Errorf("limit %d, want that of the fixed file, 2", n)
	}
	check()
}

// TestLateOption: availd status NAME --format=json would be taken for a name.
func TestLateOption(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"status", "web", "--format=json"}, {"reload", "web", "--now"}} {
		out, err := harness.Run(append([]string{harness.Availd}, args...)...)
		if err == nil || !strings.Contains(err.Error(), "exit status 64") ||
			!strings.Contains(out, "option "+args[2]+" comes after NAME, where it has no effect; put it before") {
			t.Errorf("availd %v: %v, says %q", args, err, out)
		}
	}
	if out, err := harness.Run(harness.Availd, "status", "nobody"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("availd status of what is not there: %v, says %q", err, out)
	}
}
