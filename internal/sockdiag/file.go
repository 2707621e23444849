package sockdiag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// File is the file of a Unix socket, told from that of another socket which was bound to
// the same path later: whoever ends must not remove the file of whoever came after. The
// zero value is no file.
type File struct {
	path     string
	dev, ino uint64
}

// FileAt is the file that a socket has just made by bind(2) at path.
func FileAt(path string) File {
	st, err := lstat(path)
	if err != nil {
		return File{}
	}
	return File{path: path, dev: uint64(st.Dev), ino: st.Ino}
}

// FileOf is the file of a socket that was bound earlier, by another program most likely;
// the zero value when another socket's file is at the path now.
func FileOf(fd int, path string) File {
	f := FileAt(path)
	var st unix.Stat_t
	if f.path == "" || unix.Fstat(fd, &st) != nil {
		return File{}
	}
	c := New()
	defer c.Close()
	ino, err := c.fileInode(uint32(st.Ino))
	if err == nil && ino != uint32(f.ino) && !isOverlay(path) {
		return File{}
	}
	return f
}

// isOverlay: the numbers of overlayfs for the same file differ by who asks.
func isOverlay(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(filepath.Dir(path), &fs) == nil && fs.Type == unix.OVERLAYFS_SUPER_MAGIC
}

// Constants of <linux/unix_diag.h>.
const (
	showVFS = 0x02 // UDIAG_SHOW_VFS
	attrVFS = 1    // UNIX_DIAG_VFS: struct unix_diag_vfs {ino, dev}
)

// fileInode returns the low 32 bits of the inode number of a socket's file.
func (c *Conn) fileInode(inode uint32) (uint32, error) {
	value, _, err := c.unix(inode, showVFS, attrVFS)
	if err != nil {
		return 0, err
	}
	if len(value) < 8 {
		return 0, errStrange
	}
	return binary.NativeEndian.Uint32(value), nil
}

// There reports whether the file is at its path still. It is true of no file.
func (f File) There() bool {
	return f.path == "" || f.is(f.path)
}

// Gone reports whether the file is certainly not at its path any more: what may not be
// looked at is not known. It is false of no file.
func (f File) Gone() bool {
	if f.path == "" {
		return false
	}
	_, err := lstat(f.path)
	return err == nil && !f.is(f.path) || errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR)
}

func (f File) is(path string) bool {
	st, err := lstat(path)
	return err == nil && uint64(st.Dev) == f.dev && st.Ino == f.ino
}

// Remove unlinks the file, unless another one is at its path. Between a look and an unlink
// somebody could put his there, so it is moved aside first, and back if it is another's.
func (f File) Remove() error {
	if f.path == "" || !f.is(f.path) {
		return nil
	}
	aside := fmt.Sprintf("%s.%d.gone", f.path, os.Getpid())
	if err := os.Rename(f.path, aside); err != nil {
		return ignoreGone(err)
	}
	if !f.is(aside) {
		return unix.Renameat2(unix.AT_FDCWD, aside, unix.AT_FDCWD, f.path, unix.RENAME_NOREPLACE)
	}
	return ignoreGone(os.Remove(aside))
}

func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func lstat(path string) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Lstat(path, &st)
	return st, err
}
