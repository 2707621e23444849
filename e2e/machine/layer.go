package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Debian's way to say that no service is to be started while a package is
// installed: invoke-rc.d(8) asks this program, and 101 is "forbidden".
const policyRC = "#!/bin/sh\nexit 101\n"

// add copies the base tree and installs packages in the copy, with the host's
// configuration of apt and of the resolver, which it takes out again: they may
// hold a proxy's address or worse, and say nothing about the machine.
func (c Cache) add(ctx context.Context, r Recipe, base, dir string) error {
	if err := isolated(ctx, "/proc", "cp", "-a", "--reflink=auto", base, dir); err != nil {
		return err
	}
	undo, err := lend(dir)
	if err != nil {
		return errors.Join(err, undo())
	}
	install := "apt-get update && apt-get install -y --no-install-recommends " + strings.Join(r.Packages, " ")
	err = isolated(ctx, filepath.Join(dir, "proc"), "chroot", dir, "sh", "-c", install)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return errors.Join(err, quiet(base, dir), undo())
}

// quiet takes out the links by which the added packages would start their
// services at boot: what a scenario needs it starts itself. Debian enables a
// service when it installs it, whatever policy-rc.d says.
func quiet(base, dir string) error {
	var errs []error
	for _, pattern := range []string{"*.wants/*", "*.requires/*"} {
		const units = "etc/systemd/system"
		links, err := filepath.Glob(filepath.Join(dir, units, pattern))
		errs = append(errs, err)
		for _, link := range links {
			name, err := filepath.Rel(dir, link)
			if err != nil {
				return err
			}
			if _, err := os.Lstat(filepath.Join(base, name)); errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, os.Remove(link))
			}
		}
	}
	return errors.Join(errs...)
}

// lend puts the host's files into the tree and returns what takes them out,
// also when it could not put in all.
func lend(dir string) (undo func() error, err error) {
	var lent []string
	undo = func() error {
		var errs []error
		for _, name := range lent {
			errs = append(errs, os.Remove(name))
		}
		return errors.Join(errs...)
	}
	put := func(name string, text []byte, mode fs.FileMode) error {
		name = filepath.Join(dir, name)
		if err := os.RemoveAll(name); err != nil { // not through a link out of the tree
			return err
		}
		lent = append(lent, name)
		return os.WriteFile(name, text, mode)
	}
	if err := put("usr/sbin/policy-rc.d", []byte(policyRC), 0o755); err != nil {
		return undo, err
	}
	configs, _ := filepath.Glob("/etc/apt/apt.conf.d/*")
	for _, name := range append(configs, "/etc/resolv.conf") {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			// A name that the tree has too stays the tree's.
			if own, _ := exists(filepath.Join(dir, name)); own && strings.Contains(name, "apt.conf.d") {
				continue
			}
			err = put(name, text, 0o644)
		}
		if err != nil {
			return undo, err
		}
	}
	return undo, nil
}
