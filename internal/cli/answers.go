package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/status"
)

// This file asks services for what availd status and availd top show, many at a time, and
// systemd about those that do not answer.

// question is what services are asked for.
type question int

const (
	forStatus question = iota
	forMetrics
	forHistory
)

// wanted is what a format is made of.
func wanted(format string) question {
	switch format {
	case "prometheus":
		return forMetrics
	case "svg":
		return forHistory
	default:
		return forStatus
	}
}

// answers are what services said, and why others said nothing.
type answers struct {
	asked     question
	patience  time.Duration // how long a service may take to answer; 0 = statusWait
	metrics   [][]byte
	histories []history.Document
	services  []status.Service
	silent    []error           // each a *daemon.Exit
	absent    []status.Trouble  // services that did not answer, as systemd knows them
	paths     map[string]string // control path by the name of the service that answered there
}

// statusWait bounds the question to a service that does not answer.
const statusWait = 5 * time.Second

func (a *answers) ask(path, name string) {
	patience := a.patience
	if patience == 0 {
		patience = statusWait
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := control.Client{Path: path}
	var s status.Service
	var text []byte
	var past history.Document
	var err error
	switch a.asked {
	case forMetrics:
		text, err = client.Metrics(ctx)
	case forHistory:
		past, err = client.History(ctx)
	default:
		s, err = client.Status(ctx)
	}
	switch {
	case err != nil:
		a.silent = append(a.silent, unanswered(path, name, err, patience))
	case a.asked == forMetrics:
		a.metrics = append(a.metrics, text)
	case a.asked == forHistory:
		a.histories = append(a.histories, past)
	default:
		a.services = append(a.services, s)
		if a.paths == nil {
			a.paths = map[string]string{}
		}
		a.paths[s.Name] = path
	}
}

// askSystemd adds what it knows of services that did not answer. It is asked while the
// services are.
func (a *answers) askSystemd(name string, thorough bool) (add func()) {
	if strings.Contains(name, "/") || a.asked != forStatus {
		return func() {}
	}
	known := make(chan []configured, 1)
	go func() { known <- configuredServices(name, thorough) }()
	return func() { a.addAbsent(<-known) }
}

// addAbsent adds those of the services that did not answer themselves.
func (a *answers) addAbsent(known []configured) {
	for _, c := range known {
		answered := slices.ContainsFunc(a.services, func(s status.Service) bool { return s.Unit != nil && *s.Unit == c.service })
		barred := slices.ContainsFunc(a.silent, isDenied)
		if !answered && (c.active != "active" || !barred) {
			a.absent = append(a.absent, c.judge())
		}
	}
}

// waitedFor is how long clients that wait are watched until it is known whether anybody
// accepts them, and watchPause the time between two looks. availd itself takes four
// seconds to tell, and looks only where somebody asks or a connection has woken it.
const (
	waitedFor  = 6 * time.Second
	watchPause = 500 * time.Millisecond
)

// again asks services once more where clients wait for no reason that is known yet.
func (a *answers) again() {
	deadline := time.Now().Add(waitedFor)
	for i := range a.services {
		for s := &a.services[i]; s.Puzzling() && time.Now().Before(deadline); {
			time.Sleep(watchPause)
			var fresh answers
			fresh.ask(a.paths[s.Name], s.Name)
			if fresh.services == nil {
				break
			}
			*s = fresh.services[0]
		}
	}
}

func (a *answers) askOne(name string) {
	path, err := controlPath(name)
	if err != nil {
		a.silent = []error{err}
		return
	}
	a.ask(path, name)
}

func (a *answers) askAll() {
	paths, denied := allControlPaths()
	a.silent = denied
	all := make([]answers, len(paths))
	var group sync.WaitGroup
	places := make(chan struct{}, askedAtOnce)
	for i, path := range paths {
		places <- struct{}{}
		group.Go(func() {
			all[i].asked = a.asked
			all[i].ask(path, "")
			<-places
		})
	}
	group.Wait()
	for _, one := range all {
		a.metrics, a.histories = append(a.metrics, one.metrics...), append(a.histories, one.histories...)
		a.services, a.silent = append(a.services, one.services...), append(a.silent, one.silent...)
		if a.paths == nil {
			a.paths = map[string]string{}
		}
		maps.Copy(a.paths, one.paths)
	}
}

// askedAtOnce is how many services are asked at the same time: one that does not answer,
// which its user can bring about, delays no others.
const askedAtOnce = 64

// unanswered says why a service was not heard, and what to do about it.
func unanswered(path, name string, err error, patience time.Duration) error {
	if name == "" {
		name = path
	}
	switch {
	case isDenied(err):
		return barred(path)
	case isGone(err):
		return notRunning(name, event.NobodyAnswers.With(event.Path(path)))
	case errors.Is(err, context.DeadlineExceeded):
		return &daemon.Exit{Status: 1, Err: event.LateAnswer.With(event.Name(name), event.Took(patience))}
	default:
		return &daemon.Exit{Status: 1, Err: event.NoAnswer.With(event.Name(name), event.Cause(err))}
	}
}
