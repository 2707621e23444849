package rig

import (
	"fmt"
	"io"
	"strings"
)

// Grid is a table for a comparison of many rows that have the same measures: one line for
// each, with what missed its target marked in its place. It is Markdown, as Table is.
type Grid struct {
	out   io.Writer
	short []string
}

// NewGrid prints a heading and the columns, which name their targets themselves.
func NewGrid(out io.Writer, title string, columns ...string) *Grid {
	fmt.Fprintf(out, "\n## %s\n\n| %s |\n|%s\n", title, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	return &Grid{out: out}
}

// Cell is what one row has in one column.
type Cell struct {
	text  string
	short bool
}

// Plain is a cell without a target.
func Plain(format string, args ...any) Cell { return Cell{text: fmt.Sprintf(format, args...)} }

// Judged is one with a target, which was reached or not.
func Judged(reached bool, format string, args ...any) Cell {
	c := Plain(format, args...)
	if c.short = !reached; c.short {
		c.text += " **short**"
	}
	return c
}

// Row prints one; its name is that in the list of those that were short.
func (g *Grid) Row(name string, cells ...Cell) {
	texts := []string{name}
	short := false
	for _, c := range cells {
		texts = append(texts, c.text)
		short = short || c.short
	}
	if short {
		g.short = append(g.short, name)
	}
	fmt.Fprintf(g.out, "| %s |\n", strings.Join(texts, " | "))
}

// Short are the rows with a target that was missed.
func (g *Grid) Short() []string { return g.short }
