// Show prints what package first has seen, and what Go has made of it.
package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/availd/availd/internal/first"
)

func main() {
	soft, hard := first.Descriptors()
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		fmt.Println(err)
	}
	fmt.Println(first.Looked(), first.SIGPIPEIgnored(os.Getenv), soft, hard, now.Cur > soft)
}
