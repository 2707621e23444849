package status

import "testing"

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
	stuck := with(func(s *Service) { s.ThrottledUntil, s.ThrottleReason = at("03:14:22"), ptr("a|b\nc") })
	boundless := with(func(s *Service) { s.Limit, s.Busy, s.Name, s.Sockets[0].Queue = 0, 5000, "o'rly=", nil })
	const data = " | 'web busy'=2;44;49;0;50 'web idle'=1;;;0; 'web queue'=0;;;0;"
	for _, c := range []struct {
		name     string
		services []Service
		troubles []string
		want     Severity
		line     string
	}{
		{"ok", []Service{quiet}, nil, OK, "AVAILD OK: web: 2 of 50 busy" + data},
		{"90 %", []Service{nearly}, nil, Warning, "AVAILD WARNING: web: 45 of 50 busy | 'web busy'=45;44;49;0;50 'web idle'=1;;;0; 'web queue'=0;;;0;"},
		{"stress", []Service{tense}, nil, Warning, "AVAILD WARNING: web: 2 of 50 busy, under stress until 03:26:45" + data},
		{"full", []Service{crowded}, nil, Critical, "AVAILD CRITICAL: web: 50 of 50 busy, full since 03:10:05, 7 wait | 'web busy'=50;44;49;0;50 'web idle'=1;;;0; 'web queue'=7;;;0;"},
		{"throttled", []Service{stuck}, nil, Critical, "AVAILD CRITICAL: web: 2 of 50 busy, throttled until 03:14:22: a/b c" + data},
		{"no limit", []Service{boundless}, nil, OK, "AVAILD OK: o'rly=: 5000 of none busy | 'o_rly_ busy'=5000;;;0; 'o_rly_ idle'=1;;;0;"},
		{"the worst is said", []Service{quiet, stuck, tense}, []string{"x is silent"}, Critical, "AVAILD CRITICAL: web: 2 of 50 busy, throttled until 03:14:22: a/b c" + data + data[2:] + data[2:]},
		{"one is silent", []Service{quiet, tense}, []string{"x is silent", "y too"}, Unknown, "AVAILD UNKNOWN: x is silent, y too" + data + data[2:]},
		{"none", nil, nil, Unknown, "AVAILD UNKNOWN: no services of availd are running"},
	} {
		severity, line := Check(c.services, c.troubles)
		if severity != c.want || line != c.line {
			t.Errorf("%s: %d\n%s\nwant %d\n%s", c.name, severity, line, c.want, c.line)
		}
	}
}
