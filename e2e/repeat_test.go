//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// event is a line of "go tool test2json", as its documentation has it.
type event struct {
	Action  string
	Test    string
	Output  string
	Elapsed float64 // seconds
}

// guestPattern is what -run asks of the guest: all but the part that chose the
// system.
func guestPattern() string {
	_, rest, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	return rest
}

// repeat runs the guest's test binary and repeats each of its tests as a
// subtest when it has ended, with its output and its outcome.
func repeat(ctx context.Context, t *testing.T, guest *exec.Cmd) {
	t.Helper()
	// A pipe of our own: one of guest.StdoutPipe would be closed by its Wait
	// before the converter has read all of it.
	read, write := io.Pipe()
	guest.Stdout, guest.Stderr = write, write
	convert := exec.CommandContext(ctx, "go", "tool", "test2json", "-t")
	convert.Stdin = read
	convert.Stderr = t.Output()
	convert.WaitDelay = 2 * time.Second
	events, err := convert.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := convert.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- guest.Run()
		write.Close()
	}()
	failed := results(t, json.NewDecoder(events))
	if err := convert.Wait(); err != nil {
		t.Errorf("convert the guest's output: %v", err)
	}
	read.Close() // or the guest would wait for a converter that ended early
	if err := <-ended; err != nil && !failed {
		t.Errorf("the guest's half ended without a failed test: %v", err)
	}
}

// results reads events to their end and reports whether a test failed.
func results(t *testing.T, events *json.Decoder) (failed bool) {
	outputs := map[string][]string{} // by top-level test; "" is the binary itself
	ran := 0
	for {
		var e event
		if err := events.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("read the guest's results: %v", err)
		}
		top, _, nested := strings.Cut(e.Test, "/")
		switch {
		case e.Action == "output":
			outputs[top] = append(outputs[top], e.Output)
		case top == "" || nested:
		case slices.Contains([]string{"pass", "fail", "skip"}, e.Action):
			subtest(t, e, strings.Join(outputs[top], ""))
			delete(outputs, top)
			ran++
			failed = failed || e.Action == "fail"
		}
	}
	for top, output := range outputs { // a panic or a timeout; or nothing to run
		switch {
		case top != "":
			subtest(t, event{Test: top, Action: "fail"}, "did not end\n"+strings.Join(output, ""))
			failed = true
		case ran == 0:
			t.Errorf("no test was run:\n%s", strings.Join(output, ""))
			failed = true
		}
	}
	return failed
}

// subtest repeats one test of the guest. It took place before, so its time is
// in its output.
func subtest(t *testing.T, e event, output string) {
	t.Run(e.Test, func(t *testing.T) {
		t.Logf("%v in the machine\n%s", time.Duration(e.Elapsed*float64(time.Second)), output)
		switch e.Action {
		case "fail":
			t.Fail()
		case "skip":
			t.SkipNow()
		}
	})
}
