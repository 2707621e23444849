//go:build linux && (amd64 || arm64)

package first

// entry is in assembly; nothing calls it.
//
//lint:ignore U1000 the linker's -E names it
func entry()

// readLimit fills limit, and returns 0 or what the kernel said.
func readLimit() int64
