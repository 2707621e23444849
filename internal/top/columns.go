package top

import (
	"slices"
	"strings"

	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/status"
)

// column is one of a table.
type column struct {
	title string
	right bool // numbers
	// need is how important it is: of those that do not fit the least important is left out
	// first. 0 = it always stays.
	need int
	// least and most are its width; a column that is wider than its content has what is left
	// over. 0 = as wide as the content.
	least, most int
}

// cell is what stands in one.
type cell struct {
	text  string
	paint status.Tone
	// draw makes the text for a width, where it depends on that; it is printable, and as wide.
	draw func(width int) string
}

// table is lines of cells, the first of which are the titles.
type table struct {
	columns []column
	rows    [][]cell
}

// gap is between two columns.
const gap = 1

// lines are the titles and rows, at most width wide.
func (t *table) lines(v View, width int) []string {
	use, widths := t.fit(v, width)
	lines := make([]string, 0, len(t.rows)+1)
	titles := make([]cell, len(t.columns))
	for i, c := range t.columns {
		titles[i] = cell{text: c.title, paint: status.Heading}
	}
	for _, r := range append([][]cell{titles}, t.rows...) {
		var b strings.Builder
		for n, i := range use {
			if n > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			b.WriteString(v.put(r[i], widths[i], t.columns[i].right))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// put is a cell in its width.
func (v View) put(c cell, width int, right bool) string {
	if c.draw != nil {
		return c.draw(width)
	}
	text := v.cut(c.text, width)
	pad := strings.Repeat(" ", width-prose.Width(text))
	text = v.style().Paint(text, c.paint)
	if right {
		return pad + text
	}
	return text + pad
}

func (v View) style() status.Style { return status.Style{Width: v.Width, Color: v.Color} }

// fit chooses the columns, and how wide each is.
func (t *table) fit(v View, width int) (use []int, widths []int) {
	widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = max(c.least, prose.Width(c.title))
		for _, r := range t.rows {
			if c.most == 0 && r[i].draw == nil {
				widths[i] = max(widths[i], prose.Width(v.plain(r[i].text)))
			}
		}
		use = append(use, i)
	}
	for t.taken(use, widths) > width && t.drop(&use) {
	}
	left := max(0, width-t.taken(use, widths))
	for _, drawn := range []bool{false, true} { // what is drawn fills any width, so texts come first
		for _, i := range use {
			if t.columns[i].most > 0 && t.isDrawn(i) == drawn {
				more := min(left, max(0, t.wish(v, i)-widths[i]))
				widths[i] += more
				left -= more
			}
		}
	}
	return use, widths
}

func (t *table) isDrawn(i int) bool {
	return slices.ContainsFunc(t.rows, func(r []cell) bool { return r[i].draw != nil })
}

// wish is how wide a column is at most that may be wider.
func (t *table) wish(v View, i int) (width int) {
	if t.isDrawn(i) {
		return t.columns[i].most
	}
	for _, r := range t.rows {
		width = max(width, prose.Width(v.plain(r[i].text)))
	}
	return min(width, t.columns[i].most)
}

func (t *table) taken(use, widths []int) (sum int) {
	for _, i := range use {
		sum += widths[i] + gap
	}
	return max(0, sum-gap)
}

// drop leaves the least important column out; false: all that are left are to stay.
func (t *table) drop(use *[]int) bool {
	at := -1
	for n, i := range *use {
		if need := t.columns[i].need; need > 0 && (at < 0 || need > t.columns[(*use)[at]].need) {
			at = n
		}
	}
	if at < 0 {
		return false
	}
	*use = append((*use)[:at:at], (*use)[at+1:]...)
	return true
}
