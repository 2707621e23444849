package packaging

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// paragraph is one of the file copyright, as in Debian's copyright format 1.0.
type paragraph struct{ files, licence, text string }

var field = regexp.MustCompile(`(?m)^(Files|License): (.*)$`)

func paragraphs(t *testing.T) []paragraph {
	t.Helper()
	var found []paragraph
	for _, block := range strings.Split(read(t, "copyright"), "\n\n") {
		p := paragraph{text: block}
		for _, m := range field.FindAllStringSubmatch(block, -1) {
			if m[1] == "Files" {
				p.files = m[2]
			} else {
				p.licence = m[2]
			}
		}
		found = append(found, p)
	}
	return found
}

// linked are the modules that the program is made of, but for itself.
func linked(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "..").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	return slices.Compact(modules)
}

// TestCopyrightNamesModules: each linked module, and no other.
func TestCopyrightNamesModules(t *testing.T) {
	var named []string
	for _, p := range paragraphs(t) {
		module := strings.TrimSuffix(p.files, "/*")
		if host, _, _ := strings.Cut(module, "/"); strings.Contains(host, ".") {
			named = append(named, module)
		}
	}
	slices.Sort(named)
	if want := linked(t); !slices.Equal(named, want) {
		t.Errorf("copyright names %q, linked are %q", named, want)
	}
}

// TestLicenceTexts: every licence has its text, and the rpm's field names all.
func TestLicenceTexts(t *testing.T) {
	used, texts := map[string]bool{}, map[string]bool{}
	for _, p := range paragraphs(t) {
		switch {
		case p.files != "":
			used[p.licence] = true
		case p.licence != "":
			texts[p.licence] = len(p.text) > 100
		}
	}
	m := regexp.MustCompile(`(?m)^license: (.*)$`).FindStringSubmatch(read(t, "nfpm.yaml"))
	if m == nil {
		t.Fatal("nfpm.yaml names no licence")
	}
	declared := strings.Split(m[1], " AND ")
	for licence := range used {
		if !texts[licence] {
			t.Errorf("copyright has no text of %s", licence)
		}
		if !slices.Contains(declared, licence) {
			t.Errorf("nfpm.yaml does not declare %s", licence)
		}
	}
	if len(declared) != len(used) {
		t.Errorf("nfpm.yaml declares %q, copyright uses %d licences", declared, len(used))
	}
}
