// Digest shortens what go test -json says: packages as they end, the output of
// tests that failed, and, into the file of its first argument, the tests that
// were skipped with their reasons. Tests whose depth is at most that of the
// second argument are named too when they pass. Whether they failed is in the
// status of go test.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// event is one line of test2json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// digest keeps the output of tests and packages that have not ended.
type digest struct {
	output map[string]*strings.Builder
	left   *os.File
	depth  int
}

func main() {
	left, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, "digest:", err)
		os.Exit(1)
	}
	depth, _ := strconv.Atoi(os.Args[2]) // 0 = none is named
	d := digest{output: map[string]*strings.Builder{}, left: left, depth: depth}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			d.take(line)
		}
		if err != nil {
			break
		}
	}
}

func (d *digest) take(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil { // not from a test
		fmt.Print(line)
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Print(e.Output)
		return
	case "output":
		if d.output[key] == nil {
			d.output[key] = &strings.Builder{}
		}
		d.output[key].WriteString(e.Output)
		return
	case "pass", "skip", "fail":
	default:
		return
	}
	said := d.output[key]
	delete(d.output, key)
	if said == nil {
		said = &strings.Builder{}
	}
	if e.Test == "" {
		d.endPackage(e, said.String())
	} else {
		d.endTest(e, said.String())
	}
}

func (d *digest) endTest(e event, said string) {
	switch {
	case e.Action == "fail":
		fmt.Print(said)
	case e.Action == "skip":
		fmt.Fprintf(d.left, "  %s: %s\n", e.Test, reason(said))
	case strings.Count(e.Test, "/") < d.depth:
		fmt.Printf("--- PASS: %s (%.2fs)\n", e.Test, e.Elapsed)
	}
}

// endPackage prints the last line of a good package, and all that is left of a
// bad one: its time may have been up before its tests had ended.
func (d *digest) endPackage(e event, said string) {
	switch e.Action {
	case "pass":
		lines := strings.Split(strings.TrimSpace(said), "\n")
		fmt.Println(lines[len(lines)-1])
	case "fail":
		for key, unended := range d.output {
			if strings.HasPrefix(key, e.Package+" ") {
				fmt.Print(unended)
				delete(d.output, key)
			}
		}
		fmt.Print(said)
	}
}

var (
	frame = regexp.MustCompile(`(?m)^\s*(===|---) .*\n`)
	place = regexp.MustCompile(`^\s*\S+\.go:\d+: `)
)

// reason is what a test said when it was skipped.
func reason(said string) string {
	said = place.ReplaceAllString(frame.ReplaceAllString(said, ""), "")
	return strings.Join(strings.Fields(said), " ")
}
