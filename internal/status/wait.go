package status

import "time"

// longest is more seconds than anybody waits: whoever answers in availd's place may say what
// it likes.
const longest = 1e9

// OldestWait is how long the client waits that waits longest, of all sockets whose waits
// are known; nil = they are of none. bound: it waits at least so long, as a Unix socket does
// not tell, or a socket's are not known.
func (s *Service) OldestWait() (wait *time.Duration, bound bool) {
	unknown := false
	for i := range s.Sockets {
		sock := &s.Sockets[i]
		if sock.OldestWait == nil {
			unknown = true
			continue
		}
		if d := seconds64(min(*sock.OldestWait, longest)); wait == nil || d > *wait {
			wait, bound = &d, sock.OldestBound
		}
	}
	return wait, wait != nil && *wait > 0 && (bound || unknown)
}

// waitText is that for people: "-" if nobody waits.
func waitText(wait *time.Duration, bound bool) string {
	switch {
	case wait == nil:
		return "?"
	case *wait <= 0:
		return "-"
	case bound:
		return ">" + age(*wait)
	default:
		return age(*wait)
	}
}

// oldestText is that of all sockets.
func oldestText(s *Service) string {
	if n := s.Waiting(); n != nil && *n == 0 {
		return "-"
	}
	return waitText(s.OldestWait())
}

// waits is that of one socket.
func (s *Socket) waits() string {
	return oldestText(&Service{Sockets: []Socket{*s}})
}
