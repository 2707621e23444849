package loop

// This file asks whether aborted workers write core dumps, right before the Tick of a
// turn.

// spareDumps has the policy wait for core dumps that are being written: right before a
// tick would kill an aborted worker it is looked at. That is a read of /proc, which takes
// no lock of the process.
func (w *workers) spareDumps() {
	w.policy.Aborted(w.now, func(id int) {
		if p := w.procs[id]; p != nil && w.seams.Dumps(p.Process) {
			w.policy.Dumping(w.now, id)
		}
	})
}
