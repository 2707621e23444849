//go:build !amd64 && !arm64

package quiesce

import "encoding/binary"

// On other architectures it is not known how a thread waits: what would take that is
// not known either, and held.
const (
	sysAccept   = noCall
	sysRecvfrom = noCall
	noCall      = 1 << 40
)

var native = binary.NativeEndian

func isPoll(call) bool   { return false }
func isSelect(call) bool { return false }
func isEpoll(call) bool  { return false }
