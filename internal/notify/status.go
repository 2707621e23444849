package notify

import "github.com/availd/availd/internal/prose"

// Status sets the text that systemctl status shows. The newest text replaces
// one that still waits, and goes out after all other messages. Characters
// that do not print become question marks, so that no line can be smuggled in, and a
// text that is too long is cut. A status the operating system refuses is
// lost: the next one may be luckier, and the service runs on.
func (n *Notifier) Status(text string) {
	if n == nil {
		return
	}
	text = prose.PrintableBytes(text, maxState-len("STATUS="))
	n.status = &text
	n.flushStatus()
}

// SendStatus is Send of a state and, in the same message, a status text, which is
// made one that can be sent as Status makes it.
func (n *Notifier) SendStatus(state, text string) error {
	state += "\nSTATUS="
	return n.Send(state + prose.PrintableBytes(text, maxState-len(state)))
}

func (n *Notifier) flushStatus() {
	if n.status == nil || len(n.queue) > 0 {
		return
	}
	if err := n.transmit("STATUS="+*n.status, nil); !later(err) {
		n.status = nil
	}
}
