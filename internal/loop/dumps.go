package loop

// This file asks whether aborted workers write core dumps, right before the Tick of a
// turn.

// sparesDumps has the policy wait for core dumps that are being written: right before a
// tick would kill an aborted worker it is looked at. That is a read of /proc, which takes
// no lock of the process.
func (l *Loop) sparesDumps() {
	l.policy.Aborted(l.now, func(id int) {
		if p := l.procs[id]; p != nil && l.seams.Dumps(p.Process) {
			l.policy.Dumping(l.now, id)
		}
	})
}
