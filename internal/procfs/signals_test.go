package procfs

import (
	"bufio"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReadStatAnd: what the shorter file says of a handler is what the longer one says, of a
// program that has one for SIGCONT and of one that has none.
func TestReadStatAnd(t *testing.T) {
	for script, want := range map[string]bool{
		"trap : CONT; echo; read x": true,
		"trap : USR1; echo; read x": false,
	} {
		cmd := exec.Command("/bin/sh", "-c", script)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // the handler is there
			t.Error(err)
		}
		pid := cmd.Process.Pid
		s, handles, ok := ReadStatAnd(pid, unix.SIGCONT)
		if again, _ := ReadStat(pid); !ok || handles != want || s != again || s.Start == 0 {
			t.Errorf("%s: handles %t, want %t; %+v, %t, then %+v", script, handles, want, s, ok, again)
		}
		if got := Handles(pid, unix.SIGCONT); got != want {
			t.Errorf("%s: /proc/PID/status has a handler: %t, want %t", script, got, want)
		}
		if got := MayBeStopped(pid); got == want {
			t.Errorf("%s: may be stopped: %t, want %t", script, got, !want)
		}
		_ = in.Close()
		_ = cmd.Wait() // read has found the end
	}
	if _, handles, ok := ReadStatAnd(-1, unix.SIGCONT); handles || ok {
		t.Error("no process has a handler")
	}
}
