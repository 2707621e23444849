//go:build e2e

package guest

import (
	"os"
	"testing"
	"github.com/availd/availd/e2e/guest/harness"
	"os/exec"
)

func TestTmpFail(t *testing.T) {
	t.Parallel()
	u := harness.Install(t, "tmpfail", "[Socket]\nListenStream=127.0.0.1:7001\n", "[Service]\nKillMode=process\nExecStart=/bin/sh -c 'sleep 500 & sleep 600'\n")
	u.Start()
	t.Log(u.Processes(), u)
	t.Error("deliberate")
}
func TestTmpSkip(t *testing.T) { t.Parallel(); t.Skip("deliberate") }
func TestTmpPanic(t *testing.T) { if os.Getenv("X") == "" { t.SkipNow() }; panic("x") }
func TestTmpHang(t *testing.T) { 
	cmd := exec.Command("sleep", "1000"); cmd.Run() }
