package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteTable shows one line a service.
func WriteTable(w io.Writer, services []Service) error {
	l := newLines()
	if len(services) == 0 {
		l.add("no services of availd are running")
		return l.writeTo(w)
	}
	l.add("NAME\tBUSY\tIDLE\tTOTAL\tLIMIT\tQUEUE\tREQUESTS\tCONDITION")
	for _, s := range services {
		l.add("%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s", s.Name, s.Busy, s.Idle, s.Total,
			limit(s.Limit), queue(s.Sockets), optional(s.Counters.Requests), strings.Join(Conditions(s), ", "))
	}
	return l.writeTo(w)
}

// WriteWorkers shows one service worker by worker.
func WriteWorkers(w io.Writer, s Service) error {
	l := newLines()
	l.add("%s  %d busy, %d idle, %d starting, %d retiring, limit %s  %s", s.Name,
		s.Busy, s.Idle, s.Starting, s.Retiring, limit(s.Limit), strings.Join(Conditions(s), ", "))
	for _, sock := range s.Sockets {
		l.add("  socket %s  %s  queue %s of %s", sock.Name, sock.Address, count(sock.Queue), count(sock.Backlog))
	}
	if s.ThrottleReason != nil {
		l.add("  throttled: %s", *s.ThrottleReason)
	}
	l.add("  PID\tGENERATION\tSTATE\tREQUESTS\tAGE\tSTRESS\tSTATUS")
	for _, k := range s.Workers {
		l.add("  %d\t%d\t%s\t%s\t%s\t%s\t%s", k.PID, k.Generation, k.State, optional(k.Requests),
			age(k.AgeSeconds), mark(k.Stress), k.Status)
	}
	return l.writeTo(w)
}

// Conditions are the words for what is not as it always is.
func Conditions(s Service) []string {
	words := []string{}
	add := func(t *time.Time, format string) {
		if t != nil {
			words = append(words, fmt.Sprintf(format, t.Local().Format(time.TimeOnly)))
		}
	}
	add(s.FullSince, "FULL since %s")
	add(s.StressUntil, "STRESS until %s")
	add(s.ThrottledUntil, "THROTTLED until %s")
	if s.Draining {
		words = append(words, "draining")
	}
	if len(words) == 0 {
		words = append(words, "ok")
	}
	return words
}

func limit(n int) string {
	if n == 0 {
		return "none"
	}
	return strconv.Itoa(n)
}

func count(n *int) string {
	if n == nil {
		return "?"
	}
	return strconv.Itoa(*n)
}

func optional(n *uint64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatUint(*n, 10)
}

// queue sums the sockets; one that is unknown makes the sum unknown.
func queue(sockets []Socket) string {
	sum := 0
	for _, s := range sockets {
		if s.Queue == nil {
			return "?"
		}
		sum += *s.Queue
	}
	return strconv.Itoa(sum)
}

func mark(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func age(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Truncate(100 * time.Millisecond).String()
}
