package examples

//go:generate go test -run TestUnitsAreCurrent -update

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/availd/availd/units"
)

var update = flag.Bool("update", false, "write the units beside the examples anew")

// Each example has the units that "availd units" writes for it, on a port of
// its own, so that all of them can be tried side by side.
func TestUnitsAreCurrent(t *testing.T) {
	for name, address := range map[string]string{
		"http-go": "127.0.0.1:8080", "http-python": "127.0.0.1:8081", "http-c": "127.0.0.1:8082",
	} {
		set, err := units.Generate(units.Options{
			Name:    name,
			Listen:  []string{address},
			Run:     []string{"--protocol=notify"},
			Command: []string{"/usr/local/libexec/" + name},
		})
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := set.WriteTo(name, true); err != nil {
				t.Fatal(err)
			}
		}
		for suffix, want := range map[string][]byte{".socket": set.Socket, ".service": set.Service, ".conf": set.Conf} {
			path := filepath.Join(name, name+suffix)
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what the generator writes (%v), run: go generate ./examples", path, err)
			}
		}
	}
}
