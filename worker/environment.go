package worker

import (
	"os"
	"strconv"
)

// Stressed reports whether this process was started while the service was
// under stress. A stressed worker does well to shorten its timeouts and to
// leave out what is optional. The answer never changes: availd replaces the
// workers when the stress is over.
func Stressed() bool { return os.Getenv(EnvStress) == "yes" }

// Generation returns the number of the generation this process was started with,
// or 0 when it was not started by availd.
func Generation() uint64 {
	n, err := strconv.ParseUint(os.Getenv(EnvGeneration), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
