package board

import (
	"sync/atomic"

	"github.com/availd/availd/worker"
)

// Note is what the shared object of --preload, which reports for a worker that knows
// nothing of availd, says of itself.
type Note uint64

// The notes; another number says nothing. All but Loaded say why the object has given the
// worker's place up.
const (
	NoNote         Note = 0
	Loaded         Note = worker.NoteLoaded
	SeveralClients Note = worker.NoteClients
	SeveralThreads Note = worker.NoteThreads
	WakeClosed     Note = worker.NoteClosed
)

// Note is that of the worker of the slot.
func (b *Board) Note(slot int) Note { return Note(atomic.LoadUint64(b.line(slot, worker.BoardNote))) }
