package machine

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lock takes the flock(2) of a file, which it makes if missing, and waits for
// it until ctx ends. The lock lives as long as the returned file, which the
// caller closes; it also ends with the process, so no run can leave it behind.
func lock(ctx context.Context, name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	// A blocking flock cannot be given up; another process may hold it for
	// the minute that a tree takes.
	turn := time.NewTicker(200 * time.Millisecond)
	defer turn.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, os.NewSyscallError("flock", err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-turn.C:
		}
	}
}
