//go:build linux && (amd64 || arm64)

package startlimit

// readLimit fills limit, and returns 0 or the negative errno of prlimit(2).
func readLimit() int64
