package report

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
	}
}

// DoubtAlways is for workers that somebody else collects.
func (s *Socket) DoubtAlways() { s.doubt = doubtAlways }

// settle is called when everything is read.
func (s *Socket) settle() {
	if s.doubt == doubtUnread {
		s.doubt = doubtNone
	}
}

// room is how much memory for control messages Receive gives the kernel. For
// what has no room it opens no descriptor: it drops a pidfd unopened and
// discards descriptors of the sender, which is what is done with them anyway.
func (s *Socket) room() int {
	if s.doubt == doubtNone {
		return credentialsSize
	}
	return len(s.control)
}
