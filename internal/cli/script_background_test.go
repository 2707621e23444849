package cli

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// workBackground is a command that puts itself into the background: it starts a process
// in a session of its own, which serves, and exits with 0. That process writes its pid
// as the name of a file in the directory that is the first argument.
func workBackground() {
	listener := os.NewFile(3, "listener")
	if len(os.Args) == 2 {
		daemon := exec.Command(os.Args[0], os.Args[1], "serve")
		daemon.ExtraFiles = []*os.File{listener}
		daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := daemon.Start(); err != nil {
			fail(err)
		}
		return
	}
	mark := filepath.Join(os.Args[1], strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		fail(err)
	}
	l, err := net.FileListener(listener)
	if err != nil {
		fail(err)
	}
	fail(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "served") })))
}
