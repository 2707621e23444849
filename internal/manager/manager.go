// Package manager asks the service manager what only it knows of a unit, and for jobs. It
// does so by systemctl(1), which finds the way to the manager of the system or of the user,
// and which administrators can repeat.
//
// # Diagnostics
//
// An error says that there is no service manager, that it does not answer in time, or that
// this process may not ask for that. Each call waits for an answer, so none is for a goroutine
// that must not wait: for [Patience], or for as long as its context says.
package manager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Patience is how long the service manager may take to answer where somebody waits for that
// and goes on without an answer.
const Patience = 3 * time.Second

// unhurried is how long it may take where nobody waits, and an answer that is missed leaves
// clients without a service. On a busy machine systemd may be away for half a minute: a crash
// of a service makes it look at each process that is left, and log it.
const unhurried = 2 * time.Minute

// ErrSilent: there may be a service manager, and it has not answered in time.
var ErrSilent = errors.New("no answer")

// Unhurried is a context for a question that may take long.
func Unhurried() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), unhurried)
}

// Show returns properties of a unit by name (systemctl(1), show). One that this version of
// systemd does not know is missing.
func Show(ctx context.Context, unit string, names ...string) (map[string]string, error) {
	all, err := ShowAll(ctx, Own(), []string{unit}, names...)
	if err != nil || len(all) == 0 {
		return map[string]string{}, err
	}
	return all[0], nil
}

// Own reports whether this process is a service of a user's own service manager.
// user@.service sets the variable for its services.
func Own() (user bool) { return os.Getenv("MANAGERPID") != "" }

// ShowAll is Show for several units, or patterns of their names, of the system's service
// manager or of the user's own. A unit that matches nothing has no properties.
func ShowAll(ctx context.Context, user bool, units []string, names ...string) (all []map[string]string, err error) {
	out, err := ask(ctx, user, append([]string{"show", "--property=" + strings.Join(names, ","), "--"}, units...)...)
	if err != nil {
		return nil, err
	}
	properties := map[string]string{}
	for line := range strings.Lines(out + "\n") {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "=")
		switch {
		case ok:
			properties[name] = value
		case name == "" && len(properties) > 0: // an empty line ends a unit
			all, properties = append(all, properties), map[string]string{}
		}
	}
	if len(properties) > 0 {
		all = append(all, properties)
	}
	return all, nil
}

// EnabledSockets are the socket units that are started with the machine.
func EnabledSockets(ctx context.Context, user bool) (names []string, err error) {
	out, err := ask(ctx, user, "list-unit-files", "--type=socket", "--state=enabled,enabled-runtime,generated", "--no-legend")
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 0 {
			names = append(names, fields[0])
		}
	}
	return names, err
}

// Job is the type of the job that is under way with a unit, such as stop or restart; "" =
// there is none.
func Job(ctx context.Context, unit string) (string, error) {
	out, err := ask(ctx, Own(), "list-jobs", "--no-legend", "--full", "--", unit)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) { // its number, the unit, its type, its state
		if words := strings.Fields(line); len(words) >= 3 && words[1] == unit {
			return words[2], nil
		}
	}
	return "", nil
}

// Enqueue asks for a job with units, such as start or restart, and does not wait for it.
// An error means that there will be none.
func Enqueue(ctx context.Context, verb string, units ...string) error {
	_, err := ask(ctx, Own(), append([]string{verb, "--no-block", "--"}, units...)...)
	return err
}

func ask(ctx context.Context, user bool, words ...string) (string, error) {
	began := time.Now()
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, Patience)
		defer cancel()
	}
	args := append([]string{"--no-ask-password", "--no-pager"}, words...)
	if user {
		args = append([]string{"--user"}, args...)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "systemctl", args...)
	if end, _ := ctx.Deadline(); time.Until(end) > Patience { // by itself it gives up after 25 s
		cmd.Env = append(os.Environ(), fmt.Sprintf("SYSTEMD_BUS_TIMEOUT=%dms", (time.Until(end)+Patience).Milliseconds()))
	}
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second // for what it has started
	out, err := cmd.Output()
	switch line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n"); {
	case ctx.Err() != nil:
		return "", fmt.Errorf("systemctl %s: %w within %v", words[0], ErrSilent, time.Since(began).Round(time.Second))
	case err != nil && line != "":
		return "", fmt.Errorf("systemctl %s: %w", words[0], errors.New(line))
	case err != nil:
		return "", fmt.Errorf("systemctl %s: %w", words[0], err)
	}
	return string(out), nil
}
