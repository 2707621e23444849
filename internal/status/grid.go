package status

import (
	"io"
	"strings"

	"github.com/availd/availd/internal/prose"
)

// cell is a text in a column.
type cell struct {
	text  string
	paint paint
}

// row is a line of cells, or, with one cell, of text.
type row []cell

func texts(words ...string) row {
	r := make(row, len(words))
	for i, w := range words {
		r[i].text = w
	}
	return r
}

// grid aligns columns. The last one is as wide as it gets.
type grid struct {
	indent string
	rows   []row
}

func (g *grid) add(r row) { g.rows = append(g.rows, r) }

// widths are those of the columns but the last.
func (g *grid) widths() []int {
	var all []int
	for _, r := range g.rows {
		for i, c := range r[:len(r)-1] {
			if i == len(all) {
				all = append(all, 0)
			}
			all[i] = max(all[i], prose.Width(c.text))
		}
	}
	return all
}

// gap is between two columns.
const gap = "  "

// room is what the columns but the last leave to it.
func (g *grid) room(st Style) int {
	left := st.Width - prose.Width(g.indent)
	for _, w := range g.widths() {
		left -= w + len(gap)
	}
	return left
}

// lines are the rows as text; the last column is cut where it is too long.
func (g *grid) lines(st Style) []string {
	widths, room := g.widths(), g.room(st)
	lines := make([]string, 0, len(g.rows))
	for _, r := range g.rows {
		var b strings.Builder
		b.WriteString(g.indent)
		last := r[len(r)-1]
		if st.Width > 0 {
			last.text = prose.Cut(last.text, max(room, 1))
		}
		for i, c := range r[:len(r)-1] {
			b.WriteString(st.paint(c.text, c.paint))
			if last.text != "" || i < len(r)-2 {
				b.WriteString(strings.Repeat(" ", widths[i]-prose.Width(c.text)) + gap)
			}
		}
		b.WriteString(st.paint(last.text, last.paint))
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// write writes lines at once: what is shown is one moment, whole or not at all.
func write(w io.Writer, lines []string) error {
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
