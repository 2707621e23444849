package event

//go:generate go test -run TestDocsAreCurrent -update

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the parts of the documents that are made from the table anew")

// documents have a part each that is made from the table, between two marks.
var documents = []struct {
	file, begin, end string
	make             func() string
}{
	{
		"../../man/availd.8", ".\\\" Made from internal/event by go generate.\n", ".\\\" Written by hand from here.\n", diagnostics,
	},
	{
		"../../docs/troubleshooting.md", "<!-- Made from internal/event by go generate. -->\n\n", "<!-- Written by hand from here. -->\n", troubleshooting,
	},
}

// TestDocsAreCurrent: the manual and docs/troubleshooting.md say what the table says.
func TestDocsAreCurrent(t *testing.T) {
	for _, d := range documents {
		data, err := os.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, begins := strings.Cut(string(data), d.begin)
		_, after, ends := strings.Cut(rest, d.end)
		if !begins || !ends {
			t.Errorf("%s has no part between %q and %q", d.file, d.begin, d.end)
			continue
		}
		want := before + d.begin + d.make() + d.end + after
		switch {
		case want == string(data):
		case *update:
			if err := os.WriteFile(d.file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s is not as the table makes it: run go generate ./internal/event", d.file)
		}
	}
}

// quotes are a text as documents show it: without the action, and with words in capitals
// for what differs. How a worker ends differs in its words, too.
func quotes(text string) []string {
	text, _, _ = strings.Cut(text, "; ")
	if before, after, found := strings.Cut(text, "{end}"); found {
		return []string{quoted(before + Exited.Text + after), quoted(before + Killed.Text + after)}
	}
	return []string{quoted(text)}
}

func quoted(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		key, noun, counted := strings.Cut(strings.Trim(p, "{}"), " ")
		word := words[key]
		if word == "" {
			word = "N"
		}
		if counted {
			return word + " " + noun + "s"
		}
		return word
	})
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// kind is how the manual names a message: its event, and its reason if it has one.
func (m *Message) kind() string {
	if m.Reason == "" {
		return m.Event
	}
	return m.Event + "/" + m.Reason
}

// asThe reports whether a message is explained by what stands under the next one.
func asThe(next []*Message, m *Message) bool {
	return len(next) > 0 && next[0].Event == m.Event && next[0].Means == m.Means && next[0].Do == m.Do
}

// diagnostics are the lists of the manual. Messages that are explained alike share an item.
func diagnostics() string {
	var b strings.Builder
	for _, part := range table {
		b.WriteString(".Ss " + part.Title + "\n.Bl -diag\n")
		shared := false
		for i, m := range part.Messages {
			for _, quote := range quotes(m.Text) {
				b.WriteString(".It \"" + quote + "\"\n")
			}
			if asThe(part.Messages[i+1:], m) {
				shared = true
				continue
			}
			kind := m.kind()
			if shared {
				kind, shared = m.Event, false
			}
			text := strings.TrimSpace(m.Means + " " + m.Do)
			if m.Event != "" {
				text = "(" + kind + ") " + text
			}
			b.WriteString(mdoc(text))
		}
		b.WriteString(".El\n")
	}
	return b.String()
}

var (
	sentence = regexp.MustCompile(`([.:])\s+([A-Z"]|availd|systemd)`)
	marked   = regexp.MustCompile("(\\(?)(?:`([^`]+)`|\"([^\"]+)\"|\\b([a-z][a-z0-9.-]*)\\((\\d)\\))([.,;:)]*)(\\s|$)")
)

// mdoc turns a paragraph into the language of manual pages: a line for each sentence, and
// a macro for what is marked.
func mdoc(text string) string {
	text = sentence.ReplaceAllString(text, "$1\n$2")
	text = marked.ReplaceAllStringFunc(text, func(found string) string {
		m := marked.FindStringSubmatch(found)
		macro := ""
		switch {
		case m[2] != "":
			macro = ".Ql " + open(m[1]) + strings.ReplaceAll(strings.ReplaceAll(m[2], " ", `\ `), "-", `\-`)
		case m[3] != "":
			macro = ".Dq " + open(m[1]) + m[3]
		case m[4] != "":
			macro = ".Xr " + open(m[1]) + m[4] + " " + m[5]
		default:
			return found
		}
		for _, c := range m[6] {
			macro += " " + string(c)
		}
		return "\n" + macro + "\n"
	})
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, fold(line)...)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func open(bracket string) string {
	if bracket == "" {
		return ""
	}
	return bracket + " "
}

// fold breaks a line of text after some 85 characters.
func fold(line string) (lines []string) {
	if strings.HasPrefix(line, ".") {
		return []string{line}
	}
	at := ""
	for _, word := range strings.Fields(line) {
		if at != "" && len(at)+1+len(word) > 85 {
			lines, at = append(lines, at), ""
		}
		at = strings.TrimSpace(at + " " + word)
	}
	return append(lines, at)
}

var page = regexp.MustCompile(`docs/([a-z-]+)\.md`)

// troubleshooting are tables of the messages that may need somebody.
func troubleshooting() string {
	var b strings.Builder
	for _, part := range table {
		rows, quoted := "", ""
		for i, m := range part.Messages {
			if m.Do == "" {
				continue
			}
			quoted += "`" + strings.Join(quotes(m.Text), "`<br>`") + "`"
			if asThe(part.Messages[i+1:], m) {
				quoted += "<br>"
				continue
			}
			rows += "| " + quoted + " | " + page.ReplaceAllString(m.Do, "[$1]($1.md)") + " |\n"
			quoted = ""
		}
		if rows != "" {
			b.WriteString("## " + part.Title + "\n\n| message | what to do |\n|---|---|\n" + rows + "\n")
		}
	}
	return b.String()
}
