// Package state keeps what has to survive availd: a crash, through systemd's
// descriptor store, and an exec of another binary. It is one memfd
// (memfd_create(2), Linux 3.17), mapped, with checksums, so that writing costs
// a few stores and a SIGKILL at any instruction leaves it readable.
//
// It knows no worker and no policy: a [Record] is what somebody said about a
// start. Times are CLOCK_MONOTONIC in nanoseconds; they mean the same in
// another process of the same boot, and the memfd does not outlive the boot.
//
// # Layout
//
// Little endian. A file header of 64 bytes (magic, version, sizes, checksum),
// two copies of the service record, then the slots. The copy with the higher
// sequence number and a good checksum counts, so an interrupted write loses the
// latest change at most. A slot has a part that is written before the clone
// (the intent), a part written after it (the pid), each with a checksum, and
// one word that changes with every report and is stored atomically.
//
// Sizes are in the header: a later version may make records longer, and a
// reader takes what it knows. A version that this package does not understand
// is [ErrVersion].
//
// # Diagnostics
//
// Errors go to the caller. Panic: a slot that is not in use is written.
package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"golang.org/x/sys/unix"
)

// version of the layout. It changes only when an older reader would be misled.
const version = 1

const (
	magic        = 0x31446c6961766100 // "\0availD1", little endian
	headerSize   = 64
	serviceSize  = 2048
	leastService = 512 // what the first version had
	slotSize     = 128
	firstSlots   = 64
)

// Errors of Open.
var (
	ErrCorrupt = errors.New("state: not a state of availd, or damaged")
	ErrVersion = errors.New("state: written by an availd that this one does not understand")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// File is a mapped state. It belongs to one goroutine.
type File struct {
	fd       int
	memory   []byte
	slots    int // like the sizes, of this layout or of the one that was read
	slotSize int
	service  int // size of a copy of its record
	seq      uint64
	free     []int // slots to use next, last first
}

// Create makes an empty state. On error nothing is left open.
func Create() (*File, error) {
	fd, err := unix.MemfdCreate("availd.state", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	seal(fd)
	f := &File{fd: fd, slots: firstSlots, slotSize: slotSize, service: serviceSize}
	if err := f.resize(firstSlots); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	f.writeHeader()
	for i := firstSlots - 1; i >= 0; i-- {
		f.free = append(f.free, i)
	}
	return f, nil
}

// Open maps a state that an earlier availd wrote. It takes fd over, also on
// error, when it is closed.
func Open(fd int) (*File, error) {
	seal(fd)
	f := &File{fd: fd}
	if err := f.open(unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		f.Close()
		return nil, err
	}
	for i := f.slots - 1; i >= 0; i-- {
		if _, used := f.read(i); !used {
			f.free = append(f.free, i)
		}
	}
	return f, nil
}

// seal has the kernel refuse to cut the memory, by which a worker of the same user, who may
// open descriptors of availd in /proc, would end it (SIGBUS, mmap(2)), and further seals, by
// which it could not grow. A refusal costs no more than that.
func seal(fd int) {
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
}

// View maps a state for reading only, such as a sealed copy. It takes fd over,
// also on error.
func View(fd int) (*File, error) {
	f := &File{fd: fd}
	// Older kernels refuse to share what is sealed against writing even where it is
	// only to be read (EPERM; Linux 6.7 permits it).
	if err := f.open(unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) open(protection, flags int) error {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Size < headerSize || st.Size > 1<<30 {
		return ErrCorrupt
	}
	memory, err := unix.Mmap(f.fd, 0, int(st.Size), protection, flags)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	f.memory = memory
	return f.readHeader()
}

func (f *File) writeHeader() {
	h := f.memory[:headerSize]
	binary.LittleEndian.PutUint64(h[8:], magic)
	binary.LittleEndian.PutUint32(h[16:], version)
	binary.LittleEndian.PutUint32(h[20:], slotSize)
	binary.LittleEndian.PutUint32(h[24:], serviceSize)
	binary.LittleEndian.PutUint32(h[0:], checksum(h[8:]))
}

func (f *File) readHeader() error {
	h := f.memory[:headerSize]
	if binary.LittleEndian.Uint64(h[8:]) != magic || binary.LittleEndian.Uint32(h[0:]) != checksum(h[8:]) {
		return ErrCorrupt
	}
	if v := binary.LittleEndian.Uint32(h[16:]); v != version {
		return fmt.Errorf("%w (version %d, not %d)", ErrVersion, v, version)
	}
	f.slotSize, f.service = int(binary.LittleEndian.Uint32(h[20:])), int(binary.LittleEndian.Uint32(h[24:]))
	// Words are read and written as such, which some machines can only where they are aligned.
	if f.slotSize < slotSize || f.slotSize > 1<<16 || f.service < leastService || f.service > 1<<16 ||
		f.slotSize%8 != 0 || f.service%8 != 0 || len(f.memory) < headerSize+2*f.service {
		return ErrCorrupt
	}
	f.slots = (len(f.memory) - headerSize - 2*f.service) / f.slotSize
	return nil
}

// resize makes room for so many slots. The descriptor stays the same, so the
// copy in systemd's store grows along.
func (f *File) resize(slots int) error {
	size := headerSize + 2*f.service + slots*f.slotSize
	if err := unix.Ftruncate(f.fd, int64(size)); err != nil {
		return os.NewSyscallError("ftruncate", err)
	}
	memory, err := unix.Mmap(f.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	if f.memory != nil {
		_ = unix.Munmap(f.memory)
	}
	f.memory, f.slots = memory, slots
	return nil
}

// FD is the descriptor of the memfd; it stays f's.
func (f *File) FD() int { return f.fd }

// Close unmaps the state and closes the descriptor. The content lives on in
// other descriptors of the same memfd.
func (f *File) Close() {
	if f.memory != nil {
		_ = unix.Munmap(f.memory)
		f.memory = nil
	}
	_ = unix.Close(f.fd)
}

// Copy returns a sealed memfd with the present content, for another program to
// look at: it can neither change nor shrink it. The caller owns it.
func (f *File) Copy() (int, error) {
	fd, err := unix.MemfdCreate("availd.trial", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	for rest := f.memory; len(rest) > 0 && err == nil; {
		var n int
		n, err = unix.Write(fd, rest)
		rest = rest[max(n, 0):]
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS,
			unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("copy state", err)
	}
	return fd, nil
}
