// Show prints whether its monitor thread sleeps.
package main

import (
	"fmt"

	"github.com/availd/availd/internal/still"
)

func main() { fmt.Println(still.Sleep()) }
