// Digest shortens what go test -json says: packages as they end, the output of
// tests that failed, and, into files of the directory that is its first argument,
// what else a run comes to: left has the tests that were skipped, with their
// reasons, failed those that failed, each as a package and a pattern of -run, and
// broken the packages that failed without a test that did. Tests whose depth is at
// most that of the second argument are named too when they pass.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	output               map[string]*strings.Builder
	fails                map[string]bool // tests that have failed, and those that they are part of
	left, failed, broken *os.File
	depth                int
}

func main() {
	depth, _ := strconv.Atoi(os.Args[2]) // 0 = none is named
	d := digest{output: map[string]*strings.Builder{}, fails: map[string]bool{}, depth: depth}
	for name, file := range map[string]**os.File{"left": &d.left, "failed": &d.failed, "broken": &d.broken} {
		var err error
		if *file, err = os.OpenFile(filepath.Join(os.Args[1], name), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, "digest:", err)
			os.Exit(1)
		}
	}
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
		d.fail(e)
	case e.Action == "skip":
		fmt.Fprintf(d.left, "  %s: %s\n", e.Test, reason(said))
	case strings.Count(e.Test, "/") < d.depth:
		fmt.Printf("--- PASS: %s (%s)\n", e.Test, took(e, said))
	}
}

// fail books a test that has failed. One of which a part has failed is not asked for again.
func (d *digest) fail(e event) {
	if key := e.Package + " " + e.Test; !d.fails[key] {
		parts := strings.Split(e.Test, "/")
		for i, part := range parts {
			parts[i] = "^" + regexp.QuoteMeta(part) + "$"
		}
		fmt.Fprintf(d.failed, "%s %s\n", e.Package, strings.Join(parts, "/"))
	}
	for name := e.Test; name != ""; {
		d.fails[e.Package+" "+name] = true
		name = name[:max(strings.LastIndex(name, "/"), 0)]
	}
	d.fails[e.Package] = true
}

// took is how long a test took. A scenario took place before its result was repeated, and
// its output says when.
func took(e event, said string) string {
	if m := inMachine.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return fmt.Sprintf("%.2fs", e.Elapsed)
}

// endPackage prints the last line of a good package, and all that is left of a
// bad one: its time may have been up before its tests had ended.
func (d *digest) endPackage(e event, said string) {
	switch e.Action {
	case "pass":
		lines := strings.Split(strings.TrimSpace(said), "\n")
		fmt.Println(lines[len(lines)-1])
	case "fail":
		if !d.fails[e.Package] {
			fmt.Fprintln(d.broken, e.Package)
		}
		for key, unended := range d.output {
			if strings.HasPrefix(key, e.Package+" ") {
				fmt.Print(unended)
				delete(d.output, key)
				fmt.Fprintln(d.broken, key)
			}
		}
		fmt.Print(said)
	}
}

var (
	frame = regexp.MustCompile(`(?m)^\s*(===|---) .*\n`)
	place = regexp.MustCompile(`^\s*\S+\.go:\d+: `)

	inMachine = regexp.MustCompile(`(\S+) in the machine\n`)
)

// reason is what a test said when it was skipped.
func reason(said string) string {
	said = place.ReplaceAllString(frame.ReplaceAllString(said, ""), "")
	return strings.Join(strings.Fields(said), " ")
}
