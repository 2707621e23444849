package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteTable shows one line a service.
func WriteTable(w io.Writer, services []Service) error {
	if len(services) == 0 {
		_, err := fmt.Fprintln(w, "no services of availd are running")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tBUSY\tIDLE\tTOTAL\tLIMIT\tQUEUE\tREQUESTS\tCONDITION")
	for _, s := range services {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", s.Name, s.Busy, s.Idle, s.Total,
			limit(s.Limit), queue(s.Sockets), optional(s.Counters.Requests), strings.Join(Conditions(s), ", "))
	}
	return t.Flush()
}

// WriteWorkers shows one service worker by worker.
func WriteWorkers(w io.Writer, s Service) error {
	fmt.Fprintf(w, "%s  %d busy, %d idle, %d starting, %d retiring, limit %s  %s\n", s.Name,
		s.Busy, s.Idle, s.Starting, s.Retiring, limit(s.Limit), strings.Join(Conditions(s), ", "))
	for _, sock := range s.Sockets {
		fmt.Fprintf(w, "  socket %s  %s  queue %s of %s\n", sock.Name, sock.Address, count(sock.Queue), count(sock.Backlog))
	}
	if s.ThrottleReason != nil {
		fmt.Fprintf(w, "  throttled: %s\n", *s.ThrottleReason)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  PID\tGENERATION\tSTATE\tREQUESTS\tAGE\tSTRESS\tSTATUS")
	for _, k := range s.Workers {
		fmt.Fprintf(t, "  %d\t%d\t%s\t%s\t%s\t%s\t%s\n", k.PID, k.Generation, k.State, optional(k.Requests),
			age(k.AgeSeconds), mark(k.Stress), k.Status)
	}
	return t.Flush()
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
