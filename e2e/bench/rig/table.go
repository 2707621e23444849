package rig

import (
	"fmt"
	"io"
	"strings"
)

// Table is what a benchmark has to say: rows of figures, some of which have a
// target. It is Markdown, so that it can be read anywhere.
type Table struct {
	out   io.Writer
	short []string
}

// NewTable prints a heading and what the columns are.
func NewTable(out io.Writer, title string) *Table {
	fmt.Fprintf(out, "\n## %s\n\n| what | figure | ratio | target | |\n|---|---|---|---|---|\n", title)
	return &Table{out: out}
}

// Figure is a row without a target.
func (t *Table) Figure(what, figure string) { t.row(what, figure, "", "", "") }

// Compare is a row with a ratio that has no target.
func (t *Table) Compare(what, figure string, ratio float64, to string) {
	t.row(what, figure, fmt.Sprintf("%.3g × %s", ratio, to), "", "")
}

// AtLeast is a row whose value is to reach a bound. ratio says what the value
// is, with %v in its place: "%v × bare".
func (t *Table) AtLeast(what, figure, ratio string, value, bound float64) {
	t.target(what, figure, ratio, "≥ ", value, bound, value >= bound)
}

// AtMost is a row whose value is not to exceed a bound.
func (t *Table) AtMost(what, figure, ratio string, value, bound float64) {
	t.target(what, figure, ratio, "≤ ", value, bound, value <= bound)
}

func (t *Table) target(what, figure, ratio, sign string, value, bound float64, reached bool) {
	verdict := "pass"
	if !reached {
		verdict = "**short**"
		t.short = append(t.short, what)
	}
	t.row(what, figure, strings.ReplaceAll(ratio, "%v", fmt.Sprintf("%.3g", value)), sign+fmt.Sprintf("%.4g", bound), verdict)
}

func (t *Table) row(cells ...string) { fmt.Fprintf(t.out, "| %s |\n", strings.Join(cells, " | ")) }

// Short are the rows that missed their target.
func (t *Table) Short() []string { return t.short }
