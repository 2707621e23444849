package machine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// finish makes a tree quick to boot and independent of the host it was built on.
func finish(dir string) error {
	for _, name := range []string{
		"etc/hostname",           // debootstrap copies the host's; nspawn gives the machine its own
		"etc/resolv.conf",        // likewise, and there is no network
		"var/cache/apt/archives", // a third of the tree
	} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	hosts := "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
	if err := os.WriteFile(filepath.Join(dir, "etc/hosts"), []byte(hosts), 0o644); err != nil {
		return err
	}
	return errors.Join(updated(dir, "etc"), updated(dir, "var"))
}

// updated says that etc or var belongs to the tree's usr: without the stamp of
// systemd-update-done.service(8), or with one older than usr, every boot
// rebuilds caches for seconds.
func updated(dir, name string) error {
	stamp := filepath.Join(dir, name, ".updated")
	if err := os.WriteFile(stamp, nil, fs.FileMode(0o644)); err != nil {
		return err
	}
	now := time.Now()
	return os.Chtimes(stamp, now, now)
}
