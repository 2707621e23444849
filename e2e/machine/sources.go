package machine

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is one entry of apt's list of sources, sources.list(5).
type source struct {
	uri    string
	suites []string
}

// hostMirror is the mirror that a Debian host installs its own release from;
// "" when the host is no Debian or names none, and then debootstrap's own
// default is right.
func hostMirror(root string) string {
	release := osRelease(filepath.Join(root, "etc/os-release"))
	if release["ID"] != "debian" || release["VERSION_CODENAME"] == "" {
		return ""
	}
	for _, s := range readSources(filepath.Join(root, "etc/apt")) {
		// Suites such as bookworm-security are on servers of their own.
		if slices.Contains(s.suites, release["VERSION_CODENAME"]) && fetchable(s.uri) {
			return s.uri
		}
	}
	return ""
}

// fetchable reports whether debootstrap(8) can read the URI; apt knows more
// kinds (cdrom:, mirror+file:).
func fetchable(uri string) bool {
	scheme, _, _ := strings.Cut(uri, ":")
	return slices.Contains([]string{"http", "https", "file"}, scheme)
}

// readSources reads all lists in apt's order; files that cannot be read are
// left out, as a host without them is nothing unusual.
func readSources(dir string) []source {
	var all []source
	names := []string{filepath.Join(dir, "sources.list")}
	parts, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", "*")) // sorted
	for _, name := range append(names, parts...) {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		switch filepath.Ext(name) {
		case ".list":
			all = append(all, parseList(string(text))...)
		case ".sources":
			all = append(all, parseDeb822(string(text))...)
		}
	}
	return all
}

// parseList reads the one-line style: deb [option=value …] uri suite component…
func parseList(text string) []source {
	var all []source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "deb" {
			continue
		}
		fields = fields[1:]
		if len(fields) > 0 && strings.HasPrefix(fields[0], "[") {
			end := slices.IndexFunc(fields, func(f string) bool { return strings.HasSuffix(f, "]") })
			fields = fields[end+1:]
		}
		if len(fields) >= 2 {
			all = append(all, source{uri: fields[0], suites: fields[1:2]})
		}
	}
	return all
}

// parseDeb822 reads the style of paragraphs of "Field: value" lines.
func parseDeb822(text string) []source {
	var all []source
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		field := map[string]string{}
		last := ""
		for line := range strings.Lines(paragraph) {
			name, value, _ := strings.Cut(line, ":")
			switch {
			case strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, " "), strings.HasPrefix(line, "\t"): // continues the field above
				field[last] += " " + line
			default:
				last = strings.ToLower(strings.TrimSpace(name))
				field[last] = value
			}
		}
		if !slices.Contains(strings.Fields(field["types"]), "deb") || strings.TrimSpace(field["enabled"]) == "no" {
			continue
		}
		for _, uri := range strings.Fields(field["uris"]) {
			all = append(all, source{uri: uri, suites: strings.Fields(field["suites"])})
		}
	}
	return all
}

// osRelease reads os-release(5); empty when there is none.
func osRelease(name string) map[string]string {
	release := map[string]string{}
	f, err := os.Open(name)
	if err != nil {
		return release
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok {
			release[key] = strings.Trim(value, `"'`)
		}
	}
	return release
}
