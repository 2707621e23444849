package cli

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// workInetd is a program of inetd: it answers on the connection that is its
// input, says what it was started with, and what it was told.
func workInetd() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		fail(err)
	}
	fmt.Println("args " + strings.Join(os.Args[1:], " "))
	fmt.Print("connection")
	for _, e := range entries {
		if link, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.HasPrefix(link, "socket:") {
			fmt.Print(" ", e.Name())
		}
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		fail(err)
	}
	fmt.Print("\nsaid " + line)
}

// say PATH TEXT sends a line, and prints all that comes back.
func say() {
	c, err := net.Dial("unix", os.Args[1])
	if err != nil {
		fail(err)
	}
	if _, err := fmt.Fprintln(c, os.Args[2]); err != nil {
		fail(err)
	}
	if _, err := io.Copy(os.Stdout, c); err != nil {
		fail(err)
	}
}
