//go:build !linux || (!amd64 && !arm64)

package spawn

import "errors"

const firstWay = executing

var errCannot = errors.New("no direct births here")

func (c *Command) clone(way, uint64, bool, Handover) (Process, error) { return Process{}, errCannot }
