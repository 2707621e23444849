package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

const (
	// most is where the axis ends: eight times better than the target, and eight times worse.
	most = 8.0

	width, rowHeight, top = 1010, 26, 62
	labels, plot          = 430, 320 // widths; what is left is for the values
)

// SVG draws how far each value of a table is from its target: to the right of the line is
// better, each step is twice as much. It has no script and nothing from elsewhere, and suits
// a dark page as well as a light one.
func SVG(t Table, about string) string {
	var b strings.Builder
	height := top + rowHeight*len(t.Rows) + 34
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">
<style>
text{font:13px system-ui,sans-serif;fill:#1f2933}.t{font-size:16px;font-weight:600}.s{fill:#66707c;font-size:11px}
.g{stroke:#d5dae0}.z{stroke:#66707c;stroke-width:1.5}.ok{stroke:#2d9d60;fill:#2d9d60}.no{stroke:#c8452f;fill:#c8452f}
rect{fill:#fff}@media(prefers-color-scheme:dark){rect{fill:#14181d}text{fill:#e4e8ec}.s{fill:#98a2ad}.g{stroke:#333b44}.z{stroke:#98a2ad}}
</style>
<rect width="%d" height="%d"/>
<text class="t" x="16" y="26">%s</text>
`, width, height, width, height, html.EscapeString(t.Title), width, height, html.EscapeString(t.Title))
	bottom := top + rowHeight*len(t.Rows)
	for step := -3; step <= 3; step++ {
		x, class, label := at(math.Exp2(float64(step))), "g", fmt.Sprintf("%g ×", math.Exp2(float64(step)))
		if step == 0 {
			class, label = "z", "target"
		}
		fmt.Fprintf(&b, `<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="s" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			class, x, x, top-8, bottom, x, top-14, label)
	}
	for i, r := range t.Rows {
		y, x, class, sign := float64(top+rowHeight*i)+rowHeight/2, at(r.Score()), "ok", "≤"
		if !r.Reached() {
			class = "no"
		}
		if r.AtLeast {
			sign = "≥"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%.0f" text-anchor="end">%s</text><line class="%s" stroke-width="6" x1="%.1f" x2="%.1f" y1="%.0f" y2="%.0f"/><circle class="%s" r="5" cx="%.1f" cy="%.0f"/><text x="%d" y="%.0f">%s <tspan class="s">(%s %g)</tspan></text>`+"\n",
			labels-14, y+4, html.EscapeString(shortened(r.What, 58)), class, at(1), x, y, y, class, x, y, labels+plot+20, y+4,
			html.EscapeString(shortened(r.Shown, 30)), sign, r.Target)
	}
	fmt.Fprintf(&b, `<text class="s" x="16" y="%d">To the right of the line is better. %s</text>`+"\n</svg>\n", height-12, html.EscapeString(shortened(about, 130)))
	return b.String()
}

// at is where a score is on the axis, by its logarithm.
func at(score float64) float64 {
	return labels + plot/2 + math.Log2(score)/math.Log2(most)*plot/2
}

func shortened(text string, n int) string {
	if letters := []rune(text); len(letters) > n {
		return string(letters[:n-1]) + "…"
	}
	return text
}
