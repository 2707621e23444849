package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
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
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	if err := worker.HTTP(mux); err != nil {
		fail(err)
	}
	fmt.Println("a worker leaves")
}

// many COUNT ADDRESS PATH asks so many times, one after the other, each with success.
func many() {
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fail(err)
	}
	for range count {
		resp, err := ask(os.Args[2], os.Args[3])
		if err != nil {
			fail(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			fail(fmt.Errorf("status %s: %w", resp.Status, err))
		}
		_ = resp.Body.Close()
	}
}

func ask(address, path string) (*http.Response, error) {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	return client.Get("http://service" + path)
}

// insist ADDRESS PATH CLIENTS has so many clients ask again and again, whatever
// comes of it, until it is killed.
func insist() {
	clients, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fail(err)
	}
	for range clients {
		go func() {
			for {
				if resp, err := ask(os.Args[1], os.Args[2]); err == nil {
					_ = resp.Body.Close()
				}
			}
		}()
	}
	select {}
}

// get ADDRESS PATH asks once, at a host:port or at the path of a socket.
func get() {
	resp, err := ask(os.Args[1], os.Args[2])
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
