// Show prints what package first has seen, and what Go has made of it.
package main

import (
	"fmt"
	"syscall"

	"github.com/availd/availd/internal/startlimit"
)

func main() {
	soft, hard := startlimit.Descriptors()
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		fmt.Println(err)
	}
	fmt.Println(soft, hard, now.Cur > soft)
}
