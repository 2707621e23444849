package cli

import (
	"strconv"
	"testing"

	"github.com/availd/availd/internal/startlimit"
)

// TestWorkerFiles: the soft limit that a unit sets for availd alone is not the workers',
// any other one is.
func TestWorkerFiles(t *testing.T) {
	soft, hard := startlimit.Descriptors()
	for own, want := range map[string]uint64{
		"": soft, "x": soft, strconv.FormatUint(soft+1, 10): soft, strconv.FormatUint(soft, 10): min(1024, hard),
	} {
		if got := workerFiles(own); got.Cur != want || got.Max != hard {
			t.Errorf("with %q workers get %+v, want %d of %d", own, got, want, hard)
		}
	}
}
