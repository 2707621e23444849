// Show prints what package first has seen.
package main

import (
	"fmt"

	"github.com/availd/availd/internal/first"
)

func main() { fmt.Println(first.Looked(), first.SIGPIPEIgnored()) }
