// Availd is a process manager for socket-activated services: it keeps a pool of worker
// processes behind the sockets that systemd hands it, and sizes the pool by demand with
// the process-creation policy of Postfix master(8). See availd(8).
package main

import (
	"os"

	"github.com/availd/availd/internal/cli"
	"github.com/availd/availd/internal/oneprocessor"
	"github.com/availd/availd/spawn"
)

// version is set by the linker: -X main.version=1.2.3.
var version = ""

func main() {
	spawn.Become() // this first: in a worker that is being started it does not return
	if os.Getenv("GOMAXPROCS") != "" {
		oneprocessor.Undo()
	}
	os.Exit(cli.Main(os.Args, version))
}
