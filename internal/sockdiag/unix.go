package sockdiag

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// Constants and layouts of <linux/unix_diag.h>, which x/sys does not have.
const (
	showName  = 0x01 // UDIAG_SHOW_NAME
	showRQLen = 0x10 // UDIAG_SHOW_RQLEN
	attrName  = 0    // UNIX_DIAG_NAME: sun_path
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

// Name returns the address of a Unix socket as unix.SockaddrUnix has it, with an
// @ before an abstract one; "" for a socket without. A connection has the address
// of the listener that it was accepted from.
func (c *Conn) Name(inode uint32) (string, error) {
	name, _, err := c.Listener(inode)
	return name, err
}

// Listener is Name, and tells whether the socket listens.
func (c *Conn) Listener(inode uint32) (name string, listens bool, err error) {
	value, state, err := c.unix(inode, showName, attrName)
	switch {
	case err != nil || len(value) == 0:
	case value[0] == 0:
		name = "@" + string(value[1:])
	default:
		name = strings.TrimRight(string(value), "\x00")
	}
	return name, state == tcpListen, err
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
