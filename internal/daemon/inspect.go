package daemon

import "github.com/availd/availd/internal/inspect"

// inspect has a look made. What is needed for that is opened by the first one: most
// services never ask for one.
func (d *daemon) inspect(q inspect.Question, done func(*inspect.Answer)) {
	if d.inspector == nil {
		d.inspector = inspect.New(d.listeners(), []int{1, 2})
	}
	d.inspector.Ask(q, done)
}

// listeners are the descriptors of the workers' sockets.
func (d *daemon) listeners() (fds []int) {
	for _, s := range d.sockets.Workers {
		fds = append(fds, s.FD)
	}
	return fds
}
