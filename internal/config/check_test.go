package config

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/protocol"
)

// checked is the check of these options, given on the command line.
func checked(t *testing.T, args string) error {
	t.Helper()
	c, from := Default(), origins{}
	var entries []entry
	for _, a := range strings.Fields(args) {
		name, value, _ := strings.Cut(a, "=")
		entries = append(entries, entry{option: find(name), value: value})
	}
	if err := apply(&c, entries, from); err != nil {
		t.Fatal(err)
	}
	return check(c, from)
}

func TestCheck(t *testing.T) {
	const (
		blind         = "not possible with --protocol="
		unmodified    = "the shared object is for programs that accept connections and do not report"
		oneConnection = "a process serves the one connection that it is started for"
	)
	for args, want := range map[string]string{
		"protocol=auto":                                            "",
		"protocol=queue max-requests=0":                            "",
		"protocol=notify max-requests=9":                           "",
		"protocol=postfix max-requests=9 busy-timeout=9":           "",
		"protocol=auto max-requests=9 busy-timeout=9":              "",
		"protocol=inetd max-per-source=5":                          "",
		"protocol=queue max-per-source=0 max-lifetime=1h":          "",
		"protocol=notify retire-signal=quiesce":                    "",
		"limit=5 max-starting=10":                                  "",
		"limit=5 min-spare=5":                                      "",
		"limit=0 min-spare=5":                                      "",
		"throttle=60s":                                             "",
		"exit-idle-time=1min":                                      "",
		"exit-idle-time=0 min-spare=1":                             "",
		"protocol=queue max-requests=9":                            "--max-requests=9: " + blind + "queue: workers do not report their jobs, so nobody can count them; use --preload, or the program's own limit, such as gunicorn's --max-requests, or --max-lifetime",
		"protocol=fastcgi max-requests=9":                          "--max-requests=9: " + blind + "fastcgi: workers do not report their jobs, so nobody can count them; use --preload, or the program's own limit, PHP_FCGI_MAX_REQUESTS for php-cgi",
		"protocol=queue busy-timeout=9":                            "",
		"protocol=fastcgi busy-timeout=9":                          "",
		"protocol=queue preload=yes max-requests=9 busy-timeout=9": "",
		"protocol=fastcgi preload=/x.so max-requests=9":            "",
		"preload=yes":                                              "--preload=yes: " + blind + "auto: " + unmodified + "; use --protocol=queue, or --protocol=fastcgi for FastCGI programs",
		"protocol=notify preload=/x.so":                            "--preload=/x.so: " + blind + "notify: " + unmodified + "; use --protocol=queue if the program does not report",
		"protocol=inetd preload=yes":                               "--preload=yes: " + blind + "inetd: " + unmodified,
		"protocol=postfix preload=yes":                             "--preload=yes: " + blind + "postfix: " + unmodified,
		"protocol=inetd preload=no":                                "",
		"protocol=queue preload=yes worker-watchdog=9":             "--worker-watchdog=9: " + blind + "queue: workers have no socket to send WATCHDOG=1 to; use --protocol=notify if they can send it, else the program's own watchdog",
		"protocol=queue worker-watchdog=9":                         "--worker-watchdog=9: " + blind + "queue: workers have no socket to send WATCHDOG=1 to; use --protocol=notify if they can send it, else the program's own watchdog",
		"protocol=fastcgi worker-watchdog=9":                       "--worker-watchdog=9: " + blind + "fastcgi: workers have no socket to send WATCHDOG=1 to",
		"max-per-source=5":                                         "--max-per-source=5: " + blind + "auto: only with --protocol=inetd does availd see the clients, here the workers accept",
		"protocol=notify max-per-source=5":                         "--max-per-source=5: " + blind + "notify: only with --protocol=inetd does availd see the clients, here the workers accept",
		"protocol=queue max-per-source=5":                          "--max-per-source=5: " + blind + "queue: only with --protocol=inetd does availd see the clients, here the workers accept",
		"protocol=fastcgi max-per-source=5":                        "--max-per-source=5: " + blind + "fastcgi: only with --protocol=inetd does availd see the clients, here the workers accept",
		"protocol=postfix max-per-source=5":                        "--max-per-source=5: " + blind + "postfix: only with --protocol=inetd does availd see the clients, here the workers accept; use smtpd_client_connection_count_limit",
		"protocol=inetd min-spare=1":                               "--min-spare=1: " + blind + "inetd: a process is started for a connection and cannot wait for one",
		"protocol=inetd max-requests=9":                            "--max-requests=9: " + blind + "inetd: " + oneConnection,
		"protocol=inetd max-lifetime=9":                            "--max-lifetime=9: " + blind + "inetd: " + oneConnection + "; use --busy-timeout to end long ones",
		"protocol=inetd start-timeout=9":                           "",
		"protocol=inetd retire-timeout=9":                          "--retire-timeout=9: " + blind + "inetd: processes are not asked to retire but by a stop; use --stop-timeout or --busy-timeout",
		"protocol=inetd retire-signal=USR1":                        "--retire-signal=USR1: " + blind + "inetd: processes are not asked to retire, and get TERM when half of --stop-timeout is over",
		"protocol=inetd stress=restart":                            "--stress=restart: " + blind + "inetd: " + oneConnection + ", and none is ended for another; use flag",
		"protocol=inetd worker-watchdog=9":                         "--worker-watchdog=9: " + blind + "inetd: processes have no socket to send WATCHDOG=1 to; use --busy-timeout",
		"protocol=inetd notify-access=all":                         "--notify-access=all: " + blind + "inetd: there are no reports",
		"protocol=inetd notify-socket=/run/x":                      "--notify-socket=/run/x: " + blind + "inetd: there are no reports",
		"protocol=inetd start-timeout=0 max-lifetime=0":            "",
		"protocol=inetd start-timeout=30s stress=flag":             "",
		"protocol=inetd busy-timeout=9 stop-timeout=9":             "",
		"protocol=inetd exit-idle-time=9 stress=off":               "",
		"protocol=inetd retire-signal=none":                        "",
		"protocol=inetd idle-timeout=9 max-starting=9":             "", // kept by themselves
		"protocol=postfix start-timeout=9":                         "",
		"protocol=postfix retire-signal=TERM":                      "--retire-signal=TERM: " + blind + "postfix: daemons are asked to retire by the end of their status channel, and a signal would cut their client off; use none if they are to leave by Postfix's own max_idle and max_use alone",
		"protocol=postfix retire-signal=quiesce":                   "--retire-signal=quiesce: " + blind + "postfix: daemons are asked to retire by the end of their status channel, and a signal would cut their client off; use none if they are to leave by Postfix's own max_idle and max_use alone",
		"protocol=postfix worker-watchdog=9":                       "--worker-watchdog=9: " + blind + "postfix: daemons do not send WATCHDOG=1; use Postfix's own daemon_timeout",
		"protocol=postfix notify-access=all":                       "--notify-access=all: " + blind + "postfix: daemons report on a channel that nobody else has",
		"protocol=postfix notify-socket=/run/x":                    "--notify-socket=/run/x: " + blind + "postfix: daemons report on a channel of their own",
		"protocol=postfix retire-signal=none":                      "",
		"protocol=postfix min-spare=2 idle-timeout=9":              "",
		"protocol=postfix max-lifetime=1h stress=restart":          "",
		"limit=5 min-spare=6":                                      "--min-spare=6: more than --limit=5 allows",
		"min-spare=101":                                            "--min-spare=101: more than --limit=100 allows",
		"min-spare=1 exit-idle-time=1min":                          "--exit-idle-time=1min: not possible with --min-spare, which keeps workers for ever; leave one of them out",
		"throttle=61s":                                             "--throttle=61s: more than --throttle-max=1min, raise that too",
		"throttle-max=500ms":                                       "--throttle-max=500ms: less than --throttle=1s, lower that too",
		"throttle-max=2s throttle=3s":                              "--throttle=3s: more than --throttle-max=2s, raise that too",
	} {
		err := checked(t, args)
		if got := textOf(err); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", args, got, want)
		}
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The option that has to go may stand in the file while the other one is on
// the command line, and the other way round.
func TestCheckPlaces(t *testing.T) {
	name := writeFile(t, "\nmin-spare=6\n")
	var e *Error
	if _, err := load("config="+name, "limit=5"); !errors.As(err, &e) || e.File != name || e.Line != 2 {
		t.Errorf("got %v, want line 2 of the file", err)
	}
	name = writeFile(t, "limit=5")
	if _, err := load("config="+name, "min-spare=6"); !errors.As(err, &e) || e.IsFile() {
		t.Errorf("got %v, want the command line", err)
	}
}

// TestRefusable: whatever a protocol refuses is looked at.
func TestRefusable(t *testing.T) {
	for _, p := range protocol.All {
		for option := range p.Refuses {
			if !slices.ContainsFunc(refusable, func(o refusableOption) bool { return o.name == option }) || find(option) == nil {
				t.Errorf("--protocol=%v refuses %s, which is not looked at", p, option)
			}
		}
	}
}
