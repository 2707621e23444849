package control

import (
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Listen opens the control socket at path. Only the service's own user and root
// may connect: who can reload can replace workers. A socket that is left over
// from an earlier availd of this service is replaced.
func Listen(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// removeStale removes a socket that nobody listens on. Only a refusal proves
// that: one whose queue is full (EAGAIN) is alive.
func removeStale(path string) error {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSocket == 0 {
		return nil // absent, or net.Listen will say what is wrong
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return os.Remove(path)
	case err != nil:
		return err
	}
	_ = c.Close()
	return errors.New("listen on " + path + ": another availd answers there")
}
