package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/availd/availd/worker"
)

// work is a worker. /hold waits at the named pipe that the query names. It says
// on standard output when it waits there and when it leaves, so that scripts
// need not guess the time.
func work() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "args %s stress %q\n", strings.Join(os.Args[1:], " "), os.Getenv(worker.EnvStress))
	})
	mux.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("a worker holds")
		_, err := os.ReadFile(r.URL.RawQuery)
		fmt.Fprintln(w, "released", err)
	})
	if err := worker.HTTP(mux); err != nil {
		fail(err)
	}
	fmt.Println("a worker leaves")
}

// get ADDRESS PATH asks once, at a host:port or at the path of a socket.
func get() {
	network, address := "tcp", os.Args[1]
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	resp, err := client.Get("http://service" + os.Args[2])
	if err != nil {
		fail(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		fail(err)
	}
	if resp.StatusCode != http.StatusOK {
		fail(fmt.Errorf("status %s", resp.Status))
	}
}
