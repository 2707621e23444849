package page

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/history"
)

// Sizes of the chart, in pixels.
const (
	chartWidth  = 960
	chartLeft   = 48 // of the labels of a panel
	chartGap    = 24 // between the panels
	panelWidth  = (chartWidth - 3*chartGap - 2*chartLeft) / 2
	chartHead   = 64
	plotGap     = 26 // above each plot, with its title
	largePlot   = 130
	smallPlot   = 38
	chartFoot   = 30
	chartHeight = chartHead + largePlot + 3*smallPlot + 3*plotGap + chartFoot
)

// WriteChart writes the charts of services below each other, as an SVG that stands alone.
func WriteChart(w io.Writer, all []history.Document) error {
	var b strings.Builder
	full := strconv.Itoa(max(len(all), 1) * chartHeight)
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="` + strconv.Itoa(chartWidth) + `" height="` + full +
		`" viewBox="0 0 ` + strconv.Itoa(chartWidth) + ` ` + full + `">` + "\n<style>" + style() + chartStyle + "</style>\n" +
		`<rect class="paper" width="100%" height="100%"/>` + "\n")
	if len(all) == 0 {
		b.WriteString(text(chartGap, 36, "name", "no services of availd are running"))
	}
	for i := range all {
		chart(&b, &all[i], i*chartHeight)
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// chart draws one service below top.
func chart(b *strings.Builder, d *history.Document, top int) {
	b.WriteString(text(chartGap, top+32, "name", d.Name))
	b.WriteString(text(chartWidth-chartGap, top+32, "small end", d.At.Local().Format("2006-01-02 15:04:05 MST")))
	x := chartGap + chartLeft
	for _, panel := range []struct {
		title string
		span  *history.Span
	}{{"Last hour", &d.Hour}, {"Last day", &d.Day}} {
		y := top + chartHead
		b.WriteString(text(x+panelWidth, y-8, "small end", panel.title))
		for i, p := range plots(panel.span) {
			high := smallPlot
			if i == 0 {
				high = largePlot
			} else {
				y += plotGap
			}
			says := "not known"
			if p.known {
				says = p.says
			}
			b.WriteString(text(x, y-8, "title", p.title) + text(x+170, y-8, "small", says))
			for n, class := range p.legend {
				at := x + 4 + 66*n
				b.WriteString(`<rect class="` + class + `" x="` + strconv.Itoa(at) + `" y="` + strconv.Itoa(y+4) + `" width="8" height="8"/>` + text(at+12, y+12, "small", class))
			}
			b.WriteString(text(x-6, y+9, "small end", p.high) + text(x-6, y+high, "small end", "0"))
			b.WriteString(p.box(`x="`+strconv.Itoa(x)+`" y="`+strconv.Itoa(y)+`" width="`+strconv.Itoa(panelWidth)+`" height="`+strconv.Itoa(high)+`"`, "") + "\n")
			y += high
		}
		labels := ticks(panel.span)
		for i, label := range labels {
			anchor := "small middle"
			switch i {
			case 0:
				anchor = "small"
			case len(labels) - 1:
				anchor = "small end"
			}
			b.WriteString(text(x+panelWidth*i/(len(labels)-1), y+16, anchor, label))
		}
		x += panelWidth + chartGap + chartLeft
	}
}

// text is a text element; what it says may come from anybody.
func text(x, y int, class, says string) string {
	var b strings.Builder
	b.WriteString(`<text x="` + strconv.Itoa(x) + `" y="` + strconv.Itoa(y) + `" class="` + class + `">`)
	_ = xml.EscapeText(&b, []byte(says)) // to memory
	b.WriteString("</text>\n")
	return b.String()
}
