package cli

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
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
// to tell, and nothing to wait for. Workers of an earlier availd go on serving
// meanwhile, so there has to be room for their reports.
func holdBack(exit *daemon.Exit, held *daemon.HeldReports) {
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
	over := make(chan struct{})
	var relieving sync.WaitGroup
	relieving.Go(func() { held.Relieve(over) })
	defer relieving.Wait()
	defer close(over)
	select {
	case <-stop:
		exit.Status = 0 // stopped, as asked: not a failed service
	case <-time.After(holdBackFor):
	}
}
