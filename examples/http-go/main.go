// SPDX-License-Identifier: 0BSD

// Http-go is an example worker: it answers each request with a line of JSON
// about its own process. The worker package does all that availd asks for.
//
//	go build -o /usr/local/libexec/http-go ./examples/http-go
//	availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-go
//	curl http://127.0.0.1:8080/
//	curl http://127.0.0.1:8080/sleep?ms=5000
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/availd/availd/worker"
)

func main() {
	http.HandleFunc("/", describe)
	http.HandleFunc("/sleep", sleep)
	if err := worker.HTTP(http.DefaultServeMux); err != nil {
		log.Fatal(err)
	}
}

func describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"pid\":%d,\"generation\":%d,\"stress\":%t}\n",
		os.Getpid(), worker.Generation(), worker.Stressed())
}

// sleep is work that takes as long as the client likes, up to a minute.
func sleep(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.Atoi(r.FormValue("ms"))
	if err != nil || ms < 0 || ms > 60000 {
		http.Error(w, "ms: want a number from 0 to 60000", http.StatusBadRequest)
		return
	}
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		describe(w, r)
	case <-r.Context().Done(): // the client has gone
	}
}
