package loop

// This file has the first step of a reload. reload.go calls prepare; the answer of the other
// goroutine comes through the inbox (prepared), which goes on with the second step.
//
// A reload has two steps. What may take long, as it depends on file systems, is done by
// another goroutine: looking up the working directory and the command, and reading the
// configuration. Then the loop takes over what was read.

// reloads are those that were asked for. One first step is under way at a time; a reload
// that is asked for meanwhile begins it anew, so that the newest of everything counts.
type reloads struct {
	*core
	line          *statusLine
	adopt         func(Settings) // gives the new settings to the parts of the loop
	awaitTemplate func() bool    // holds the second step up until a new template is ready
	refused       func()         // the configuration is not taken over

	running, again bool   // the first step
	directory      string // the working directory, from whoever knows it; "" = nobody does
	waiting        []chan<- Outcome
}

type prepared struct{ err error }

func (r *reloads) prepare() {
	p := r
	if p.running {
		p.again = true
		return
	}
	p.running, p.again = true, false
	directory := p.directory
	p.directory = ""
	r.seams.Prepare(directory, func(err error) {
		r.post(request{prepared: &prepared{err}})
	})
}

func (r *reloads) prepared(err error) {
	r.running = false
	switch {
	case r.draining(): // those who wait were told
	case r.again:
		r.prepare()
	case err == nil && r.awaitTemplate(): // the reload goes on when its template is ready
	default:
		r.takeOver(err)
	}
}
