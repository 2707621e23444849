package cli

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// workOnce DESCRIPTOR is a program that knows nothing of availd and exits with 0 after one
// request, as many do after some.
func workOnce() {
	fd, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fail(err)
	}
	l, err := net.FileListener(os.NewFile(uintptr(fd), "listener"))
	if err != nil {
		fail(err)
	}
	c, err := l.Accept()
	if err != nil {
		fail(err)
	}
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		fail(err)
	}
	fmt.Fprint(c, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
	_ = c.Close()
}

// rush CLIENTS COUNT ADDRESS has so many clients ask at the same time, each again as soon as
// it was answered, until so many requests were served, and every one that was made.
func rush() {
	clients, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fail(err)
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fail(err)
	}
	time.AfterFunc(2*time.Minute, func() { fail(errors.New("the clients wait")) })
	work := make(chan int)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range work {
				resp, err := ask(os.Args[3], "/")
				if err != nil {
					fail(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
	for n := range count {
		work <- n
	}
	close(work)
	all.Wait()
}
