// Package startlimit remembers how many descriptors a process might have when it was
// started, which workers are to find as availd found it.
//
// Package syscall raises the soft limit when it is initialized, and packages are
// initialized in the order of their import paths as soon as what they import has
// been (The Go Programming Language Specification, Program initialization). So
// this package must not import anything: then it comes before syscall. On
// architectures without its few lines of assembly it knows nothing.
package startlimit

// limit receives the kernel's struct rlimit64 for RLIMIT_NOFILE: the soft limit
// and the hard one.
var (
	limit     [2]uint64
	limitRead = readLimit()
)

// Descriptors returns the RLIMIT_NOFILE that this process was started with, the
// soft limit and the hard one, zeros if that is not known.
func Descriptors() (soft, hard uint64) {
	if limitRead != 0 {
		return 0, 0
	}
	return limit[0], limit[1]
}
