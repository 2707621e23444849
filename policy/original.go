package policy

// This file has what only the original needs, without the Retire extension: the events of
// its one status channel (R4), its fatal conditions, and its stop (R8). No daemon of today
// calls it; the traces do, which hold the rest of the policy to FORMAT.md. Stop and Exit hand
// over to it.

// original is the original, with the state of its stop.
type original struct {
	*core
	listening *listening
	throttle  *throttle

	stopping bool // R8
}

// PartialStatus, StatusReadError and StatusEOF are the mishaps of a status
// channel (R4). None changes the state.
func (s *Service) PartialStatus(now Instant, id int) []Action {
	s.begin(now)
	s.emit(Action{Kind: WarnPartialStatus, Worker: id})
	return s.actions
}

// StatusReadError books a failed read of the status channel.
func (s *Service) StatusReadError(now Instant) []Action {
	s.begin(now)
	s.emit(Action{Kind: WarnReadError})
	return s.actions
}

// StatusEOF books an end-of-file on the status channel, which the original
// does not survive.
func (s *Service) StatusEOF(now Instant) []Action {
	s.begin(now)
	s.emit(Action{Kind: PanicStatusEOF})
	return s.actions
}

// unknownExit is the end of a process that is not in the table, which the original does not
// survive either.
func (o *original) unknownExit(id int) {
	if !o.cfg.IgnoreUnknownExit {
		o.emit(Action{Kind: PanicUnknownChild, Worker: id})
	}
}

// endedByStop: the original says nothing of those that end by the signal of its stop (R8.4).
func (o *original) endedByStop(e End) bool { return o.stopping && e.Signal == sigTERM }

// stopAtOnce throttles, and sends SIGTERM to all (R8).
func (o *original) stopAtOnce() {
	o.stopping = true
	o.throttle.begin(Action{Why: Stop})
	for w := o.table.oldest; w != nil; w = w.younger {
		o.emit(Action{Kind: Signal, Worker: w.id, Number: sigTERM, Why: Stop})
	}
}

// stopped shows a brief listening when the last worker is gone (R8.5, R8.6).
func (o *original) stopped() {
	o.throttle.end(Stop)
	o.listening.watching = WatchOff
	o.emit(Action{Kind: Listen, Watch: WatchOff})
}
