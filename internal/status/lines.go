package status

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// lines collects a text whose columns are aligned, and writes it at once: what
// is shown is one moment, whole or not at all.
type lines struct {
	text bytes.Buffer
	tab  *tabwriter.Writer
}

func newLines() *lines {
	l := &lines{}
	l.tab = tabwriter.NewWriter(&l.text, 0, 0, 2, ' ', 0)
	return l
}

// add appends a line; tabs part its columns, if it has any.
func (l *lines) add(format string, args ...any) {
	fmt.Fprintf(l.tab, format+"\n", args...) // a buffer takes everything
}

// writeTo writes the text without blanks at the ends of lines, which empty last
// columns leave.
func (l *lines) writeTo(w io.Writer) error {
	_ = l.tab.Flush() // see add
	var out bytes.Buffer
	for line := range bytes.Lines(l.text.Bytes()) {
		out.Write(append(bytes.TrimRight(line, " \n"), '\n'))
	}
	_, err := w.Write(out.Bytes())
	return err
}
