package page

import (
	"math"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/history"
)

// This file draws a plot as SVG. The unit of x is a step of the span.

// at is the height of a value, from the top of the box.
func at(v float32, top float64) int {
	return height - int(math.Round(min(max(float64(v)/top, 0), 1)*height))
}

// outline draws values as steps. begin and end are called at the ends of what is known.
func outline(v history.Values, top float64, begin, end func(b *strings.Builder, i int)) string {
	var b strings.Builder
	last, drawing := 0, false
	for i, x := range v {
		if x != x {
			if drawing {
				b.WriteString("H" + strconv.Itoa(i))
				end(&b, i)
			}
			drawing = false
			continue
		}
		y := at(x, top)
		switch {
		case !drawing:
			begin(&b, i)
			b.WriteString("V" + strconv.Itoa(y))
		case y != last:
			b.WriteString("H" + strconv.Itoa(i) + "V" + strconv.Itoa(y))
		}
		last, drawing = y, true
	}
	if drawing {
		b.WriteString("H" + strconv.Itoa(len(v)))
		end(&b, len(v))
	}
	return b.String()
}

// area is the outline of what is below the values.
func area(v history.Values, top float64) string {
	return outline(v, top,
		func(b *strings.Builder, i int) { b.WriteString("M" + strconv.Itoa(i) + " " + strconv.Itoa(height)) },
		func(b *strings.Builder, _ int) { b.WriteString("V" + strconv.Itoa(height) + "Z") })
}

// line is the values alone.
func line(v history.Values, top float64) string {
	return outline(v, top,
		func(b *strings.Builder, i int) {
			b.WriteString("M" + strconv.Itoa(i) + " " + strconv.Itoa(at(v[i], top)))
		},
		func(*strings.Builder, int) {})
}

// box is the plot in an svg element of those attributes.
func (p *plot) box(attributes, more string) string {
	var b strings.Builder
	b.WriteString(`<svg ` + attributes + ` viewBox="0 0 ` + strconv.Itoa(p.steps) + ` ` + strconv.Itoa(height) + `" preserveAspectRatio="none">`)
	b.WriteString(`<path class="grid" d="M0 0H` + strconv.Itoa(p.steps) + `M0 ` + strconv.Itoa(height/2) + `H` + strconv.Itoa(p.steps) + `"/>`)
	for _, m := range p.marks {
		if m.path != "" {
			b.WriteString(`<path class="` + m.class + `" d="` + m.path + `"/>`)
		}
	}
	b.WriteString(more + `</svg>`)
	return b.String()
}
