package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// steps numbers the way trees are built: raised when the same recipe gives
// another tree, so that cached trees of the old way are no longer used.
const steps = 2

// Recipe says what is in a tree.
type Recipe struct {
	Name     string   // for people: "base"
	Suite    string   // Debian's code name
	Base     *Recipe  // the tree to add to, of the same suite; nil: from nothing
	Packages []string // beyond the base, or beyond Debian's minimal set
}

// Base is the recipe of a small tree that boots: systemd, and what scenarios
// need to look at it.
func Base(suite string) Recipe {
	return Recipe{
		Name:  "base",
		Suite: suite,
		Packages: []string{
			"systemd", "systemd-sysv", "dbus", "libsystemd0",
			"python3", "python3-systemd",
			"apache2-utils", "curl", "iproute2", "procps",
		},
	}
}

// Programs is the base with the programs of Debian that workers of the scenarios
// are, or that look at them from outside. One machine has all of them, so that
// one boot is enough; none of them is started by the boot.
func Programs(suite string) Recipe {
	base := Base(suite)
	return Recipe{
		Name: "programs", Suite: suite, Base: &base,
		Packages: []string{
			"git", "openssh-client", "openssh-server", "rsync",
			"php-cgi", "nginx-light", "fcgiwrap", "libfcgi-bin", "gunicorn",
			"postfix", "nodejs", "prometheus", "haproxy", "ruby",
		},
	}
}

// Peers is what the benchmarks compare availd with, beyond Programs.
func Peers(suite string) Recipe {
	base := Programs(suite)
	return Recipe{
		Name: "peers", Suite: suite, Base: &base,
		Packages: []string{"php-fpm", "php-opcache", "ucspi-tcp", "ipsvd", "xinetd", "uwsgi-core", "uwsgi-plugin-python3"},
	}
}

// Walks is the base with what the users of the tutorials come from, and put before their
// services.
func Walks(suite string) Recipe {
	base := Base(suite)
	return Recipe{
		Name: "walks", Suite: suite, Base: &base,
		Packages: []string{
			"php-cgi", "php-fpm", "nginx-light", "apache2", "caddy", "gunicorn", "rsync", "xinetd", "netbase",
		},
	}
}

// Key is the name of the recipe's tree: equal keys, equal contents (up to the
// point release of the suite on the day it was built).
func (r Recipe) Key() string {
	return r.Suite + "-" + r.Name + "-" + r.digest()[:12]
}

func (r Recipe) digest() string {
	base := ""
	if r.Base != nil {
		base = r.Base.digest()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q %q %q", steps, r.Name, r.Suite, base, r.Packages))
	return hex.EncodeToString(sum[:])
}
