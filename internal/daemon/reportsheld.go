package daemon

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/report"
)

// HeldReports is the report socket of an earlier availd, as the service manager has passed
// it to this start. The workers of that one live, and fill its queue: should the start fail
// and be held back, somebody has to make room in it.
type HeldReports struct{ fd int }

// FindHeldReports has to come before [Run], which takes what was passed. The descriptor is
// a copy, as a start that fails closes its own.
func FindHeldReports() *HeldReports {
	h := &HeldReports{fd: -1}
	if passed := activation.Passed(reportsName); passed >= 0 {
		if fd, err := unix.FcntlInt(uintptr(passed), unix.F_DUPFD_CLOEXEC, 3); err == nil {
			h.fd = fd
		}
	}
	return h
}

// Relieve makes room in it until stop is closed, see [report.Relieve].
func (h *HeldReports) Relieve(stop <-chan struct{}) {
	if h.fd >= 0 {
		report.Relieve(h.fd, stop)
	}
}

// Close gives the copy up: the service has come up, and reads its own.
func (h *HeldReports) Close() {
	if h != nil && h.fd >= 0 {
		_ = unix.Close(h.fd)
		h.fd = -1
	}
}
