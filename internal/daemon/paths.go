package daemon

import (
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/status"
)

// paths are the files of listening Unix sockets, by descriptor. Whoever asks for the state
// has them looked at, in his own goroutine, as a file system may take its time: nobody
// else would notice that clients do not find a socket any more. A file that is not there
// from the start is none: the service may see other directories than its clients do.
type paths struct {
	mu    sync.Mutex
	files map[int]sockdiag.File
}

func (d *daemon) findPaths() {
	d.paths.files = map[int]sockdiag.File{}
	for _, s := range d.sockets.Workers {
		if s.Family == unix.AF_UNIX && strings.HasPrefix(s.Address, "/") {
			d.paths.files[s.FD] = sockdiag.FileOf(s.FD, s.Address)
		}
	}
}

// renew is for a socket that got a new file.
func (p *paths) renew(fd int, path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[fd] = sockdiag.FileAt(path)
}

// look marks sockets whose path is gone, and tells the loop what has changed.
func (p *paths) look(d *daemon, s *status.Service) {
	for i, socket := range d.sockets.Workers {
		p.mu.Lock()
		file, ok := p.files[socket.FD]
		p.mu.Unlock()
		if !ok || i >= len(s.Sockets) {
			continue
		}
		was := s.Sockets[i].Fault
		if was != nil && *was != status.PathGone || file == (sockdiag.File{}) {
			continue
		}
		if gone := file.Gone(); gone != (was != nil) {
			d.loop.PathGone(i, gone)
			s.Sockets[i].Fault = nil
			if gone {
				fault := status.PathGone
				s.Sockets[i].Fault = &fault
			}
		}
	}
}
