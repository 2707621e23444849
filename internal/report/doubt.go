package report

import "golang.org/x/sys/unix"

// doubt is whether a process's number is enough to know a sender by.
type doubt uint8

const (
	doubtUnread doubt = iota // not in what is unread now
	doubtNone
	doubtAlways
)

// Doubt has the kernel vouch for the very process, in [Message.Inode], until
// Receive has said [ErrEmpty]; a new socket is in doubt. Call it whenever a
// process becomes a worker: what is unread then may come from an earlier process
// of the same number. What is sent later cannot, as the number of a child is not
// given away before the caller collects it. Each message in doubt costs a
// descriptor that is opened, looked at and closed, half of what a message costs.
func (s *Socket) Doubt() {
	if s.doubt == doubtNone {
		s.doubt = doubtUnread
		s.askPidfds(1)
	}
}

// DoubtAlways is for workers that somebody else collects.
func (s *Socket) DoubtAlways() {
	s.Doubt()
	s.doubt = doubtAlways
}

// settle is called when everything is read.
func (s *Socket) settle() {
	if s.doubt == doubtUnread {
		s.doubt = doubtNone
		s.askPidfds(0)
	}
}

// askPidfds has the kernel open a pidfd of the sender with each datagram that is read
// from now on. Less room for control messages would keep it from that, too; but then
// it would close descriptors of the sender itself, within recvmsg(2), and wait there.
func (s *Socket) askPidfds(on int) {
	if s.fd >= 0 && s.pidfds {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_PASSPIDFD, on) // it worked before
	}
}
