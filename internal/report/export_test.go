package report

import "testing"

// WithoutPassRights runs f as on a kernel before Linux 6.16.
func WithoutPassRights(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	can := refuseDescriptors
	defer func() { refuseDescriptors = can }()
	refuseDescriptors = func(int) error { return nil }
	t.Run("Linux before 6.16", f)
}
