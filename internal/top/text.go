package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/status"
)

// wideFrom is the first character of those scripts of which some take two columns of a
// terminal; terminals do not agree on which.
const wideFrom = 0x1100

// plain makes a text of which every character takes one column, also where the terminal
// knows ASCII alone.
func (v View) plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x7f:
			return r
		case v.ASCII && r == '…':
			return '.'
		case v.ASCII, r >= wideFrom && r != '…', unicode.Is(unicode.M, r):
			return '?'
		}
		return r
	}, prose.Printable(text))
}

// cut makes text fit into so many columns.
func (v View) cut(text string, columns int) string { return v.plain(prose.Cut(v.plain(text), columns)) }

// short is a time in at most five or six columns.
func short(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case d < 0:
		return "0"
	case ms < 10:
		return fmt.Sprintf("%.1fms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0fms", ms)
	default:
		return status.Age(d)
	}
}

// quantileText is a quantile; a dash where there is none, and > where it is beyond what is
// measured.
func quantileText(t *status.Times, share float64) string {
	d, beyond, known := quantile(t, share)
	switch {
	case !known:
		return "-"
	case beyond:
		return ">" + short(d)
	}
	return short(d)
}

// rateText is a number a second in at most five columns.
func rateText(n float64, known bool) string {
	switch {
	case !known:
		return "-"
	case n < 10 && n > 0:
		return strconv.FormatFloat(n, 'f', 1, 64)
	case n < 10_000:
		return strconv.FormatFloat(n, 'f', 0, 64)
	case n < 1_000_000:
		return strconv.FormatFloat(n/1000, 'f', 0, 64) + "k"
	default:
		return strconv.FormatFloat(n/1e6, 'f', 1, 64) + "M"
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

func number(n *uint64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatUint(*n, 10)
}
