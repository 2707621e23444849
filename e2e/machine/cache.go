package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Cache is a folder of trees, shared by all checkouts and runs of a host. A
// tree in it is complete, and never changed again.
type Cache struct {
	Dir    string
	Mirror string // "": the host's own, else debootstrap's default
	Logf   func(format string, args ...any)
}

// Tree returns the directory of the recipe's tree and builds it if missing,
// which takes a minute and needs the mirror. Of several processes that miss
// the same tree one builds it.
func (c Cache) Tree(ctx context.Context, r Recipe) (string, error) {
	dir := filepath.Join(c.Dir, r.Key())
	if ok, err := exists(dir); ok || err != nil {
		return dir, err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return "", err
	}
	held, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("lock tree %s: %w", r.Key(), err)
	}
	defer held.Close()
	if ok, err := exists(dir); ok || err != nil { // by another process meanwhile
		return dir, err
	}
	return dir, c.make(ctx, r, dir)
}

// make builds into a directory beside dir and renames it when it is complete.
// The caller holds the lock, so a directory that is there already is what an
// interrupted run left; nothing is mounted in it, as builds run in mount
// namespaces of their own.
func (c Cache) make(ctx context.Context, r Recipe, dir string) error {
	building := dir + ".building"
	if err := os.RemoveAll(building); err != nil {
		return err
	}
	c.Logf("tree %s is missing: building it in %s", r.Key(), c.Dir)
	begin := time.Now()
	err := c.build(ctx, r, building)
	if err == nil {
		err = finish(building)
	}
	if err == nil {
		err = os.Rename(building, dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("build tree %s: %w", r.Key(), err), os.RemoveAll(building))
	}
	c.Logf("tree %s is built after %v", r.Key(), time.Since(begin).Round(time.Second))
	return nil
}

func (c Cache) build(ctx context.Context, r Recipe, dir string) error {
	if r.Base == nil {
		return c.debootstrap(ctx, r, dir)
	}
	base, err := c.Tree(ctx, *r.Base)
	if err != nil {
		return err
	}
	return c.add(ctx, r, base, dir)
}

func exists(dir string) (bool, error) {
	_, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
