package sockdiag

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Constants and layouts of <linux/unix_diag.h>, which x/sys does not have.
const (
	showName  = 0x01 // UDIAG_SHOW_NAME
	showIcons = 0x08 // UDIAG_SHOW_ICONS
	showRQLen = 0x10 // UDIAG_SHOW_RQLEN
	attrName  = 0    // UNIX_DIAG_NAME: sun_path
	attrIcons = 3    // UNIX_DIAG_ICONS: an array of 32 bits
	attrRQLen = 4    // UNIX_DIAG_RQLEN: struct unix_diag_rqlen {rqueue, wqueue}

	unixRequestSize = unix.SizeofNlMsghdr + 24 // struct unix_diag_req
	unixMessageSize = 16                       // struct unix_diag_msg
	attrHeader      = 4                        // struct nlattr
)

// Queue returns the length of a Unix listener's accept queue and its limit.
func (c *Conn) Queue(inode uint32) (waiting, limit int, err error) {
	value, _, err := c.unix(inode, showRQLen, attrRQLen)
	if err != nil {
		return 0, 0, err
	}
	if len(value) < 8 {
		return 0, 0, errStrange
	}
	order := binary.NativeEndian
	return int(order.Uint32(value)), int(order.Uint32(value[4:])), nil
}

// Clients calls each for every connection that waits at a Unix listener, in the order in
// which they came, with the inode number of the client's socket; 0 = the client has closed
// it. The kernel answers for 900 to 1,900 connections, by its version, and with EMSGSIZE for
// more (unix_diag.c: the answer is to fit into a page, or what is allocated for one).
func (c *Conn) Clients(inode uint32, each func(client uint32)) error {
	value, _, err := c.unix(inode, showIcons, attrIcons)
	if err != nil {
		return err
	}
	for ; len(value) >= 4; value = value[4:] {
		each(binary.NativeEndian.Uint32(value))
	}
	return nil
}

// Name returns the address of a Unix socket as unix.Getsockname has it, with an @ before an
// abstract one, and until the first NUL, which may be inside of that; "" for a socket without. A connection has the address
// of the listener that it was accepted from.
func (c *Conn) Name(inode uint32) (string, error) {
	name, _, err := c.Listener(inode)
	return name, err
}

// Listener is Name, and tells whether the socket listens.
func (c *Conn) Listener(inode uint32) (name string, listens bool, err error) {
	value, state, err := c.unix(inode, showName, attrName)
	if err == nil {
		name = string(asGiven(value))
	}
	return name, state == tcpListen, err
}

// asGiven makes a name of the kernel's what unix.Getsockname has. An abstract one may have
// NULs, as of a program that binds the whole of sun_path.
func asGiven(name []byte) []byte {
	if len(name) > 0 && name[0] == 0 {
		name[0] = '@'
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	return name
}

// unix asks for one attribute, and the state, which is told in words of TCP. The
// answer is valid until the next question, and nil when the socket does not have it.
func (c *Conn) unix(inode uint32, show uint32, attr uint16) (value []byte, state byte, err error) {
	b, order := c.request[:unixRequestSize], binary.NativeEndian
	clear(b)
	order.PutUint16(b[6:], unix.NLM_F_REQUEST)
	r := b[unix.SizeofNlMsghdr:]
	r[0] = unix.AF_UNIX
	order.PutUint32(r[4:], ^uint32(0)) // any state
	order.PutUint32(r[8:], inode)
	order.PutUint32(r[12:], show)
	order.PutUint64(r[16:], ^uint64(0)) // any cookie
	err = c.ask(unixRequestSize, func(m []byte) error {
		if len(m) < unixMessageSize || order.Uint32(m[4:]) != inode {
			return errStrange
		}
		value, state = attribute(m[unixMessageSize:], attr), m[2]
		return nil
	})
	return value, state, err
}

// attribute finds one attribute; others may come too.
func attribute(b []byte, kind uint16) []byte {
	order := binary.NativeEndian
	for len(b) >= attrHeader {
		size := int(order.Uint16(b))
		if size < attrHeader || size > len(b) {
			break
		}
		if order.Uint16(b[2:]) == kind {
			return b[attrHeader:size]
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return nil
}

// NamedConnections calls each with the address and the inode number of every connected
// Unix socket of this network namespace that has an address, which are those that were
// accepted (and what connected from an address of its own). Connections that nobody has
// accepted yet are not listed: the kernel passes over sockets without an inode. The name
// is as Name has it, and valid until each returns. This takes time in proportion to the
// number of Unix sockets.
func (c *Conn) NamedConnections(each func(name []byte, inode uint32)) error {
	b, order := c.request[:unixRequestSize], binary.NativeEndian
	clear(b)
	order.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	r := b[unix.SizeofNlMsghdr:]
	r[0] = unix.AF_UNIX
	order.PutUint32(r[4:], 1<<tcpEstablished)
	order.PutUint32(r[12:], showName)
	return c.ask(unixRequestSize, func(m []byte) error {
		if len(m) < unixMessageSize {
			return errStrange
		}
		if name := asGiven(attribute(m[unixMessageSize:], attrName)); len(name) > 0 {
			each(name, order.Uint32(m[4:]))
		}
		return nil
	})
}
