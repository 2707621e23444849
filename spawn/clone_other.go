//go:build !linux || (!amd64 && !arm64)

package spawn

import "errors"

const canClone = false

var errCannot = errors.New("spawn: no direct births here")

func (c *Command) clone(uint64, bool, Handover) (Process, error) { return Process{}, errCannot }
