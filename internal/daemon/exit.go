package daemon

import (
	"errors"

	"github.com/availd/availd/internal/config"
)

// Exit statuses of availd run, with the numbers of sysexits.h, which
// systemd.exec(5) names too.
const (
	ExitUsage    = 64 // the command line
	ExitInternal = 70 // our own fault
	ExitSystem   = 71 // the operating system refused
	ExitConfig   = 78 // the configuration, the worker's command, or the hand-over
)

// Exit is an error that ends availd run with a status.
type Exit struct {
	Status int
	Err    error
}

func (e *Exit) Error() string { return e.Err.Error() }
func (e *Exit) Unwrap() error { return e.Err }

func internal(err error) error      { return &Exit{ExitInternal, err} }
func system(err error) error        { return &Exit{ExitSystem, err} }
func misconfigured(err error) error { return &Exit{ExitConfig, err} }

// badConfig tells a mistake in the configuration file from one on the command
// line.
func badConfig(err error) error {
	var e *config.Error
	if errors.As(err, &e) && e.IsFile() {
		return misconfigured(err)
	}
	return &Exit{ExitUsage, err}
}
