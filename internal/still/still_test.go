package still

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSleep builds the program both ways: the flags are enough, with the runtime
// that is here, and nothing depends on them.
func TestSleep(t *testing.T) {
	for _, c := range []struct {
		name, tags, ldflags, want string
	}{
		{"as the Makefile does", Tag, LinkerFlag, "true\n"},
		{"plain", "", "", "false\n"},
	} {
		cmd := exec.Command("go", "run", "-tags", c.tags, "-ldflags", c.ldflags, "./testdata/show")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, out, err, c.want)
		}
	}
}

// TestMakefile: what is installed is built for it.
func TestMakefile(t *testing.T) {
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-tags " + Tag, LinkerFlag} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the Makefile has no %s", want)
		}
	}
}
