package status

import (
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	with := func(change func(*Service)) Service {
		s := calm()
		change(&s)
		return s
	}
	quiet := calm()
	nearly := with(func(s *Service) { s.Busy, s.Total = 45, 46 })
	tense := with(func(s *Service) { s.StressUntil = at("03:26:45") })
	crowded := with(func(s *Service) {
		s.FullSince, s.StressUntil, s.Busy, s.Sockets[0].Queue = at("03:10:05"), at("03:26:45"), 50, ptr(7)
	})
	stuck := with(func(s *Service) {
		s.ThrottledUntil, s.ThrottleReason, s.Sockets[0].Queue = at("03:14:22"), ptr("a|b\nc"), ptr(1)
	})
	paused := with(func(s *Service) { s.ThrottledUntil, s.ThrottleReason = at("03:14:22"), ptr("x") })
	busy := with(func(s *Service) { s.FullSince, s.Busy, s.Idle, s.Total = at("03:10:05"), 50, 0, 50 })
	ignored := with(func(s *Service) { s.UnservedSince, s.Sockets[0].Queue = at("03:10:05"), ptr(1) })
	starts := with(func(s *Service) {
		now := time.Now()
		s.UnservedSince, s.Starting, s.Total, s.Sockets[0].Queue = &now, 1, 4, ptr(1)
	})
	over := with(func(s *Service) { s.Sockets[0].Queue, s.Sockets[0].Drops = ptr(4097), ptr(uint64(12)) })
	mute := with(func(s *Service) { s.Busy, s.Idle = UnknownCount, UnknownCount })
	boundless := with(func(s *Service) { s.Limit, s.Busy, s.Name, s.Sockets[0].Queue = 0, 5000, "o'rly=", nil })
	slow := with(func(s *Service) { s.Sockets[0].Queue, s.Sockets[0].OldestWait = ptr(3), ptr(1.25) })
	bound := with(func(s *Service) {
		s.Sockets[0].Queue, s.Sockets[0].OldestWait, s.Sockets[0].OldestBound = ptr(3), ptr(2.5), true
	})
	brief := with(func(s *Service) { s.Sockets[0].Queue, s.Sockets[0].OldestWait = ptr(3), ptr(0.9) })
	const three = " | 'web busy'=2;44;49;0;50 'web idle'=1;;;0; 'web queue'=3;;;0; 'web wait'="
	const waits = " | 'web busy'=2;44;49;0;50 'web idle'=1;;;0; 'web queue'=1;;;0;"
	const data = " | 'web busy'=2;44;49;0;50 'web idle'=1;;;0; 'web queue'=0;;;0;"
	for _, c := range []struct {
		name     string
		services []Service
		troubles []Trouble
		want     Severity
		line     string
	}{
		{"ok", []Service{quiet}, nil, OK, "AVAILD OK: web: 2 of 50 busy" + data},
		{"90 %", []Service{nearly}, nil, Warning, "AVAILD WARNING: web: 45 of 50 busy | 'web busy'=45;44;49;0;50 'web idle'=1;;;0; 'web queue'=0;;;0;"},
		{"stress", []Service{tense}, nil, Warning, "AVAILD WARNING: web: 2 of 50 busy, under stress until 03:26:45" + data},
		{"full", []Service{crowded}, nil, Critical, "AVAILD CRITICAL: web: 50 of 50 busy, full since 03:10:05, 7 waiting | 'web busy'=50;44;49;0;50 'web idle'=1;;;0; 'web queue'=7;;;0;"},
		{"throttled", []Service{stuck}, nil, Critical, "AVAILD CRITICAL: web: 2 of 50 busy, throttled until 03:14:22: a/b c" + waits},
		{"throttled, nobody waits", []Service{paused}, nil, Warning, "AVAILD WARNING: web: 2 of 50 busy, throttled until 03:14:22: x" + data},
		{"full, nobody waits", []Service{busy}, nil, Warning, "AVAILD WARNING: web: 50 of 50 busy, full since 03:10:05, 0 waiting | 'web busy'=50;44;49;0;50 'web idle'=0;;;0; 'web queue'=0;;;0;"},
		{"ignored", []Service{ignored}, nil, Critical, "AVAILD CRITICAL: web: 2 of 50 busy, 1 waiting, none accepted since 03:10:05" + waits},
		{"a slow start", []Service{starts}, nil, Warning, "AVAILD WARNING: web: 2 of 50 busy, 1 waiting since " + clock(*starts.UnservedSince) + " for 1 that start" + waits},
		{"overflow", []Service{over}, nil, Critical, "AVAILD CRITICAL: web: 2 of 50 busy, the queue of web.socket is full, 4097 waiting, new connections are dropped, 12 so far | 'web busy'=2;44;49;0;50 'web idle'=1;;;0; 'web queue'=4097;;;0;"},
		{"nobody reports", []Service{mute}, nil, OK, "AVAILD OK: web: 3 of 50 there | 'web busy'=U;;;0; 'web idle'=U;;;0; 'web queue'=0;;;0;"},
		{"cannot be started", []Service{quiet}, []Trouble{{Critical, "x: cannot be started"}}, Critical, "AVAILD CRITICAL: x: cannot be started" + data},
		{"not started yet", nil, []Trouble{{OK, "x: not started"}}, OK, "AVAILD OK: x: not started"},
		{"no limit", []Service{boundless}, nil, OK, "AVAILD OK: o'rly=: 5000 of none busy | 'o_rly_ busy'=5000;;;0; 'o_rly_ idle'=1;;;0;"},
		{"the worst is said", []Service{quiet, stuck, tense}, []Trouble{{Unknown, "x is silent"}}, Critical, "AVAILD CRITICAL: web: 2 of 50 busy, throttled until 03:14:22: a/b c" + data + waits[2:] + data[2:]},
		{"one is silent", []Service{quiet, tense}, []Trouble{{Unknown, "x is silent"}, {Unknown, "y too"}}, Unknown, "AVAILD UNKNOWN: x is silent, y too" + data + data[2:]},
		{"a client waits", []Service{slow}, nil, Warning, "AVAILD WARNING: web: 2 of 50 busy, 3 waiting, the oldest for 1.2s" + three + "1.25s;1;;0;"},
		{"at least so long", []Service{bound}, nil, Warning, "AVAILD WARNING: web: 2 of 50 busy, 3 waiting, the oldest for >2.5s" + three + "2.5s;1;;0;"},
		{"it does not wait for long", []Service{brief}, nil, OK, "AVAILD OK: web: 2 of 50 busy" + three + "0.9s;1;;0;"},
		{"none", nil, nil, Unknown, "AVAILD UNKNOWN: no services of availd are running"},
	} {
		severity, line := Check(c.services, c.troubles, time.Second)
		if severity != c.want || line != c.line {
			t.Errorf("%s: %d\n%s\nwant %d\n%s", c.name, severity, line, c.want, c.line)
		}
	}
}
