// Package guest is the half of the end-to-end tests that runs inside a booted
// machine, as root beside its systemd: the scenarios, one file each.
//
// It is not run by "go test" on a host, where it would replace units: its
// TestMain leaves at once unless package e2e, which boots the machine, has set
// AVAILD_E2E_GUEST=1.
//
// A scenario installs a pair of units of its own name with package harness,
// speaks to it as a client or an administrator would, and looks at it from
// outside: systemctl, the journal, the processes of its control group.
package guest
