//go:build 386 || s390x

package worker

import "time"

// queueWait is not known: these machines have no getsockopt(2) of its own that the standard
// library can call with room for the answer.
func queueWait(int) (time.Duration, bool) { return 0, false }
