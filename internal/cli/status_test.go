package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/status"
)

// TestNotShown: services of others are no failure for a user who sees some; one
// that does not answer is, and so it is to see none at all.
func TestNotShown(t *testing.T) {
	web, barredOne := status.Service{Name: "web"}, barred("/run/availd/mail/control")
	mute := unanswered("/run/availd/news/control", "news", errors.New("no"), statusWait)
	for _, c := range []struct {
		name   string
		a      answers
		status int
	}{
		{"others' services", answers{services: []status.Service{web}, silent: []error{barredOne, barredOne}}, 0},
		{"others' metrics", answers{metrics: [][]byte{nil}, silent: []error{barredOne}}, 0},
		{"one is mute", answers{services: []status.Service{web}, silent: []error{barredOne, mute}}, 1},
		{"all are others'", answers{silent: []error{barredOne}}, 1},
	} {
		var said bytes.Buffer
		got := 0
		err := c.a.notShown(cli.NewContext(&cli.App{ErrWriter: &said}, nil, nil))
		if exit := (*daemon.Exit)(nil); errors.As(err, &exit) {
			got = exit.Status
			said.WriteString(exit.Error())
		} else if err != nil {
			t.Error(err)
		}
		if got != c.status || !strings.Contains(said.String(), "  permission denied: /run/availd/mail/control: run as root") {
			t.Errorf("%s: status %d, want %d; %q", c.name, got, c.status, &said)
		}
	}
}
