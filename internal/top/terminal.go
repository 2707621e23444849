package top

import (
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// A terminal is taken over while the screens are shown, and given back as it was. This file
// assumes as little as serial lines and old terminals allow: cursor addressing and erasing as
// ECMA-48 and a vt100 have them, and nothing at all where TERM says dumb; there each screen is
// written below the one before. A screen is compared with the last one, so that only what has
// changed is written (draw.go).

// Terminal is one that was taken over. It belongs to one goroutine, but for Keys.
type Terminal struct {
	in, out *os.File
	before  *term.State // how it was
	kind    kind
	open    bool
	shown   []string // what is on the screen; nil: that is not known
	height  int      // of what is shown
}

// kind is what a terminal can do.
type kind uint8

const (
	dumb        kind = iota // nothing
	addressable             // the cursor can be put anywhere, and lines erased
	switchable              // … and what was there before is kept beside the screen
)

// kindOf goes by the value of TERM. The database of terminals, terminfo(5), may not be there, and
// tells nothing that matters here.
func kindOf(name string) kind {
	switch {
	case name == "" || name == "dumb" || name == "unknown" || name == "vt52":
		return dumb
	case strings.HasPrefix(name, "vt") || strings.HasPrefix(name, "ansi") || name == "linux":
		return addressable
	}
	return switchable
}

// IsTerminal reports whether f is one.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Open takes over the terminal that is written to by out and read by in, which stay the
// caller's. name is the value of TERM. On error nothing has changed.
func Open(in, out *os.File, name string) (*Terminal, error) {
	t := &Terminal{in: in, out: out, kind: kindOf(name)}
	if err := t.enter(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Terminal) enter() error {
	before, err := term.MakeRaw(int(t.in.Fd()))
	if err != nil {
		return err
	}
	if t.before == nil {
		t.before = before
	}
	t.open, t.shown = true, nil
	switch t.kind {
	case switchable:
		return t.write("\x1b[?1049h\x1b[?25l")
	case addressable:
		return t.write("\x1b[?25l")
	}
	return nil
}

// Resume takes the terminal over again, after Close or when this process was stopped and is
// continued: somebody else may have changed everything meanwhile.
func (t *Terminal) Resume() error { return t.enter() }

// closeWait bounds the wait for a terminal that takes nothing any more.
const closeWait = time.Second

// Close gives the terminal back: its modes, its screen, its cursor. It may be called more than
// once.
func (t *Terminal) Close() {
	if !t.open {
		return
	}
	t.open = false
	written := make(chan struct{})
	go func() {
		defer close(written)
		switch t.kind {
		case switchable:
			_ = t.write("\x1b[0m\x1b[?25h\x1b[?1049l")
		case addressable:
			_ = t.write("\x1b[0m\x1b[?25h" + position(t.height, 0) + "\r\n")
		default:
			_ = t.write("\r\n")
		}
	}()
	select {
	case <-written:
	case <-time.After(closeWait):
	}
	_ = term.Restore(int(t.in.Fd()), t.before) // whoever has hung up needs it no more
}

// Default size, of terminals that do not know theirs: serial lines.
const (
	defaultWidth  = 80
	defaultHeight = 24
)

// Size is that of the terminal now.
func (t *Terminal) Size() (width, height int) {
	width, height, err := term.GetSize(int(t.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return defaultWidth, defaultHeight
	}
	return width, height
}

// Keys returns what is typed, in the pieces in which it comes, until the terminal is gone. It is
// to be called once.
func (t *Terminal) Keys() <-chan []byte {
	typed := make(chan []byte)
	go func() {
		defer close(typed)
		for {
			b := make([]byte, 64)
			n, err := t.in.Read(b)
			if err != nil || n == 0 {
				return
			}
			typed <- b[:n]
		}
	}()
	return typed
}

func (t *Terminal) write(text string) error {
	_, err := t.out.WriteString(text)
	return err
}
