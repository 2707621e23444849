package units

import (
	"fmt"
	"strings"
)

// commandLine joins words so that systemd takes them apart again into the same
// words (systemd.service(5), COMMAND LINES).
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}

// plain are the bytes that mean themselves. All else is put in quotes, also
// where that is not needed: a lone ";" ends a command, and a word may not look
// like one by accident.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+=:,@{}-"

// quote undoes in advance, from the last to the first, what systemd does to a
// word: variables ($$), specifiers (%%), C escapes and quotes.
func quote(word string) string {
	word = strings.ReplaceAll(escapeSpecifiers(word), "$", "$$")
	if word != "" && strings.Trim(strings.NewReplacer("$$", "", "%%", "").Replace(word), plain) == "" {
		return word
	}
	return enclose(word)
}

// assignment is one for Environment= (systemd.exec(5)), where a $ means itself.
func assignment(name, value string) string { return enclose(name + "=" + escapeSpecifiers(value)) }

// enclose puts a word into quotes, with escapes of C.
func enclose(word string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range word {
		switch {
		case c == '"', c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ', c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// escapeSpecifiers keeps systemd from replacing %i and the like
// (systemd.unit(5), SPECIFIERS).
func escapeSpecifiers(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// ShellWord is a word as a shell reads it back.
func ShellWord(word string) string {
	if word != "" && strings.Trim(word, plain) == "" && word[0] != '~' {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
