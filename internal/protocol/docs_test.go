package protocol

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/spawn"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// rows are those of the table that begins with this head, as cells.
func rows(t *testing.T, page, head string) (all [][]string) {
	t.Helper()
	_, table, found := strings.Cut(page, "\n"+head)
	if !found {
		t.Fatalf("no table begins with %s", head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	return all
}

func words(cell string) (found []string) {
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		found = append(found, m[1])
	}
	return found
}

// TestPage: the page about protocols offers all of them, and says what workers are given.
func TestPage(t *testing.T) {
	data, err := os.ReadFile("../../docs/reference/protocols.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	var offered []string
	for _, row := range rows(t, page, "| your program |") {
		offered = append(offered, words(row[1])...)
	}
	given := map[string][]string{}
	for _, row := range rows(t, page, "| `protocol=` | sockets |") {
		for _, name := range words(row[0]) {
			given[name] = row
		}
	}
	for _, p := range All {
		if p != All[0] && !slices.Contains(offered, p.Name) { // the default is for who has chosen none
			t.Errorf("the page does not say which programs want %s", p.Name)
		}
		row := given[p.Name]
		if row == nil {
			t.Errorf("the page does not say what workers of %s are given", p.Name)
			continue
		}
		if several := row[4] != "no"; several == (p.OneSocket != "") {
			t.Errorf("%s: several sockets: %s", p.Name, row[4])
		}
		h := p.Handover(Given{
			Sockets: []activation.Socket{{FD: 77, Name: "web"}}, Reports: "/run/reports",
			Conn: &spawn.Conn{FD: 78, Address: "192.0.2.1", Port: "99"},
		})
		if want := fmt.Sprintf("descriptor %d", slices.Index(h.Files, 77)); !p.PerConnection && !strings.Contains(row[1], want) {
			t.Errorf("%s: the sockets are %s, want %s", p.Name, row[1], want)
		}
		var want []string
		for _, v := range append(slices.Clone(h.Env), h.PIDs...) {
			name, _, _ := strings.Cut(v, "=")
			if name != "NOTIFY_SOCKET" || p.Reports {
				want = append(want, name)
			}
		}
		got := words(row[3])
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the page has the variables %q, workers get %q", p.Name, got, want)
		}
	}
}
