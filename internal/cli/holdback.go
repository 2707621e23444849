package cli

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/notify"
	"github.com/availd/availd/internal/prose"
)

// holdBackFor is the pause before a start that failed ends. The unit restarts
// the service at once, and a client that waits would otherwise make that a
// storm; systemd's own limits would end the socket for good.
const holdBackFor = 5 * time.Second

func notifier() (*notify.Notifier, error) { return notify.New(os.Getenv("NOTIFY_SOCKET")) }

// holdBack says in STATUS= why the service ends, then waits; SIGTERM ends the
// wait, and is a stop like any other. Without a service manager there is nobody
// to tell, and nothing to wait for.
func holdBack(exit *daemon.Exit) {
	n, err := notifier()
	if n == nil || err != nil {
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, daemon.StopSignals()...)
	text := prose.Printable(strings.ReplaceAll(exit.Error(), "\n", "; "))
	n.Status(text)
	fmt.Fprintf(os.Stderr, "<3>availd: %s (the next attempt is in %d s; the sockets keep their clients)\n",
		text, int(holdBackFor.Seconds()))
	exit.Err = nil // it is said
	select {
	case <-stop:
		exit.Status = 0 // stopped, as asked: not a failed service
	case <-time.After(holdBackFor):
	}
}
