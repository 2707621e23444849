package state

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Area is memory of a fixed size in a memfd of its own, for what need not be in the [File]
// and is to survive availd as that does. Its content is the caller's affair. What was never
// written takes no memory.
type Area struct {
	FD     int // the Area's
	Memory []byte
}

// CreateArea makes one that is all zero. On error nothing is left open.
func CreateArea(name string, size int) (*Area, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("ftruncate", err)
	}
	return OpenArea(fd, size)
}

// OpenArea maps one that an earlier availd has made. It takes fd over, also on error, when
// it is closed: another size is one.
func OpenArea(fd, size int) (*Area, error) {
	seal(fd)
	var st unix.Stat_t
	err := os.NewSyscallError("fstat", unix.Fstat(fd, &st))
	if err == nil && st.Size != int64(size) {
		err = fmt.Errorf("%w: %d bytes, not %d", ErrVersion, st.Size, size)
	}
	a := &Area{FD: fd}
	if err == nil {
		unix.CloseOnExec(fd)
		a.Memory, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		err = os.NewSyscallError("mmap", err)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return a, nil
}

// Close unmaps the area and closes its descriptor. The content lives on in other
// descriptors of the same memfd.
func (a *Area) Close() {
	_ = unix.Munmap(a.Memory)
	_ = unix.Close(a.FD)
}
