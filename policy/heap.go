package policy

// This file orders the workers by their next deadline. Only table.go calls it, when
// timers.go has worked out when a worker needs attention.

// dueHeap is a binary heap of workers by the moment at which they need
// attention. It keeps the cost of a deadline at log n: a pool of thousands of
// workers must not be scanned per event. It is written out here because this
// package imports nothing but time and formatting.
type dueHeap []*worker

// less is a total order, so that the same input gives the same output.
func (h dueHeap) less(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].generation < h[j].generation
}

func (h dueHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *dueHeap) push(w *worker) {
	w.place = len(*h)
	*h = append(*h, w)
	h.up(w.place)
}

func (h *dueHeap) remove(w *worker) {
	last, i := len(*h)-1, w.place
	h.swap(i, last)
	*h = (*h)[:last]
	w.place = -1
	if i < last {
		h.fix((*h)[i])
	}
}

// fix restores the order after w's moment changed.
func (h dueHeap) fix(w *worker) {
	if !h.down(w.place) {
		h.up(w.place)
	}
}

func (h dueHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(i, parent) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h dueHeap) down(i int) (moved bool) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return moved
		}
		if child+1 < len(h) && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			return moved
		}
		h.swap(i, child)
		i, moved = child, true
	}
}
