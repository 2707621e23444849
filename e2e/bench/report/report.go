// Package report makes of what a run of the benchmarks printed a file of that run, and a
// chart of each table: one machine, one commit, one file, and no figure written by hand.
//
// [Tables] reads the Markdown of package rig; [SVG] draws; [Write] puts both into a
// directory. TestBench calls Write when the run is over.
package report

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Table is a benchmark with the rows that have a target.
type Table struct {
	Title string
	Rows  []Row
}

// Row is one value that was compared with a target.
type Row struct {
	What, Shown   string  // the latter as it was printed, "1.08 × php-fpm"
	Value, Target float64 // in the same unit
	AtLeast       bool    // the target is a lower bound; else an upper one
}

// Reached reports whether the target is.
func (r Row) Reached() bool {
	return r.AtLeast && r.Value >= r.Target || !r.AtLeast && r.Value <= r.Target
}

// Score is how many times better than its target a value is; less than 1 = it is short.
// Between nothing and a target of nothing there is no ratio: that is reached, or missed,
// by as much as a chart shows.
func (r Row) Score() float64 {
	better, worse := r.Value, r.Target
	if !r.AtLeast {
		better, worse = worse, better
	}
	switch {
	case worse <= 0 && better <= 0 || worse <= 0 && r.Reached():
		return most
	case better <= 0:
		return 1 / most
	}
	return min(max(better/worse, 1/most), most)
}

var (
	amount = regexp.MustCompile(`-?\d+(?:\.\d+)?(?:e[+-]?\d+)?`)
	bound  = regexp.MustCompile(`([≤≥]) (-?\d+(?:\.\d+)?)`)
)

// Tables reads the tables that a run has printed, and leaves out those without a target.
// The target is a cell of its own ("≥ 1"), or stands in the heading of the column.
func Tables(text string) (all []Table) {
	var t Table
	var heads []string
	end := func() {
		if len(t.Rows) > 0 {
			all = append(all, t)
		}
		t, heads = Table{Title: t.Title}, nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "## "); ok {
			end()
			t.Title = title
			continue
		}
		if !strings.HasPrefix(line, "|") {
			end()
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case strings.Trim(line, "|-") == "":
		case heads == nil:
			heads = cells
		default:
			t.Rows = append(t.Rows, rows(heads, cells)...)
		}
	}
	end()
	return all
}

// rows are the values of one line that have a target.
func rows(heads, cells []string) (all []Row) {
	for i, cell := range cells[1:] {
		what, target := cells[0], ""
		switch head := heads[min(i+1, len(heads)-1)]; {
		case head == "ratio" && len(cells) > i+2:
			target = cells[i+2]
		case bound.MatchString(head):
			target = head
			if name, _, _ := strings.Cut(head, ","); name != "ratio" {
				what += ": " + name
			}
		}
		b, value := bound.FindStringSubmatch(target), amount.FindString(cell)
		if b == nil || value == "" {
			continue
		}
		r := Row{What: what, Shown: strings.TrimSpace(strings.ReplaceAll(cell, "**short**", "")), AtLeast: b[1] == "≥"}
		r.Value, _ = strconv.ParseFloat(value, 64)
		r.Target, _ = strconv.ParseFloat(b[2], 64)
		if unit := strings.TrimPrefix(r.Shown, value); strings.HasPrefix(unit, " ms") && strings.HasSuffix(target, " s") {
			r.Value /= 1000 // the grids print long times in seconds, and have their targets so
		}
		all = append(all, r)
	}
	return all
}

// Write makes NAME.md of what a run printed, and a chart of each of its tables, in a
// directory that is made if it is not there. about is the commit, and what else belongs to
// the run; it comes first. It returns the paths. The files are complete in themselves, and
// are published by copying them.
func Write(dir, name, about, text string) (paths []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	put := func(file, content string) {
		path := filepath.Join(dir, file)
		if e := os.WriteFile(path, []byte(content), 0o644); e != nil {
			err = cmp.Or(err, e)
			return
		}
		paths = append(paths, path)
	}
	charts := map[string]string{} // by title
	named := map[string]int{}
	tables := Tables(text)
	for _, t := range tables {
		chart := name + "-" + slug(t.Title)
		if named[chart]++; named[chart] > 1 {
			chart += fmt.Sprint("-", named[chart]) // of several tables that begin alike
		}
		charts[t.Title] = chart + ".svg"
	}
	put(name+".md", page(name, about, text, charts))
	for _, t := range tables {
		put(charts[t.Title], SVG(t, about))
	}
	return paths, err
}

// page is what was printed, with a chart at the end of each section that has one.
func page(name, about, text string, charts map[string]string) string {
	text = verdict.ReplaceAllString(text, "")
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks %s\n\n%s\n", name, about)
	for i, section := range strings.Split("\n"+text, "\n## ") {
		if i > 0 {
			b.WriteString("\n## ")
		}
		b.WriteString(strings.TrimSpace(section) + "\n")
		title, _, _ := strings.Cut(section, "\n")
		if chart := charts[title]; chart != "" {
			fmt.Fprintf(&b, "\n![How far each figure is from its target](%s)\n", chart)
		}
	}
	return b.String()
}

// verdict is what the program of the tests says at the end.
var verdict = regexp.MustCompile(`(?m)^(PASS|FAIL)\n?`)

var noWord = regexp.MustCompile(`[^a-z0-9]+`)

// slug is a name for a file: the words of a title before its first sign.
func slug(title string) string {
	title, _, _ = strings.Cut(strings.ToLower(title), ":")
	title = strings.Trim(noWord.ReplaceAllString(title, "-"), "-")
	return fmt.Sprintf("%.40s", title)
}
