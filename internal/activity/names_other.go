//go:build !amd64 && !arm64

package activity

// names are those of system calls; here they have none.
const names = ""
