package loop

import (
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// This file has the service manager make a socket anew that nobody can connect to any more,
// and that availd cannot make listen again. down.go calls replace for such a socket, and the
// answer comes through the inbox.
//
// All sockets of a unit are made anew together, which costs the clients that wait at them,
// so this is for units of which no socket is in order any more.

// Remedy is what is done about such a socket.
type Remedy uint8

// Remedies.
const (
	NoRemedy  Remedy = iota // nobody else can, or the manager refuses
	Restarted               // the manager is about to restart the socket's unit and this service
	AfterExit               // the manager makes the socket anew once this service has ended
)

// replaced is the answer.
type replaced struct {
	socket int
	remedy Remedy
}

// replace asks for a remedy, once for each socket. What is wrong is said before, as a
// restart may be under way before the answer comes.
func (s *sockets) replace(i int) {
	name, d := s.list[i].Name, &s.downs.list[i]
	if s.seams.Replace == nil || d.asked || s.draining() || !s.isUnitDown(name) {
		s.sayFaulty(i, event.SocketDead, event.PathGone)
		return
	}
	d.asked = true
	s.sayFaulty(i, event.SocketAnew, event.PathAnew)
	s.seams.Replace(name, d.fault == status.NotListening, func(r Remedy) {
		s.post(request{replaced: &replaced{i, r}})
	})
}

// isUnitDown reports whether no socket of a unit is in order. A unit gives all its sockets
// one name (FileDescriptorName= of systemd.socket(5)).
func (s *sockets) isUnitDown(name string) bool {
	for i, sock := range s.list {
		if sock.Name == name && s.downs.list[i].fault == "" {
			return false
		}
	}
	return true
}

// replaced acts on the answer, and reports whether the service is to end for it. The socket
// may be in order again, or a stop have begun. A socket that was shut down before this
// process began would be so for the next one, too: then the service is one that systemd
// starts again whenever it ends.
func (s *sockets) replaced(r replaced) (leave bool) {
	d := &s.downs.list[r.socket]
	switch {
	case d.fault == "" || s.draining() || r.remedy == Restarted:
		return false
	case r.remedy == AfterExit && !d.before:
		s.say(event.SocketLeaving, event.Socket(s.list[r.socket].Name))
		s.downs.leaving = true
		return true
	default:
		s.sayFaulty(r.socket, event.SocketDead, event.PathGone)
		return false
	}
}

// sayFaulty says what is wrong with a socket, by one of two messages, and with that what is
// done or to be done about it.
func (s *sockets) sayFaulty(i int, dead, gone *event.Message) {
	sock, d := s.list[i], &s.downs.list[i]
	if d.fault == status.PathGone {
		s.say(gone, event.Socket(sock.Name), event.Address(sock.Address))
		return
	}
	s.say(dead, event.Socket(sock.Name), event.Address(sock.Address), event.Cause(d.why))
}
