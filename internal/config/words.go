package config

import (
	"errors"
	"strings"
)

// splitWords takes a command line apart as sh(1) does, without its substitutions. Blanks
// separate words. Between single quotes everything means itself; between double quotes a
// backslash makes a double quote, a backslash, $ or ` that follows mean itself, and
// elsewhere whatever follows. Nothing is expanded: variables, patterns and specifiers of
// systemd are characters like others.
//
// A word that begins with # outside quotes is refused, as it is meant as a comment.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
			word.WriteByte(c)
		case c == '\\' && i+1 == len(line):
			return nil, errors.New("nothing follows the backslash at the end; lines cannot be continued")
		case c == '\\' && (quote == 0 || strings.IndexByte("\"\\$`", line[i+1]) >= 0):
			i++
			word.WriteByte(line[i])
			inWord = true
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case strings.IndexByte(blanks, c) >= 0:
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		case c == '#' && !inWord:
			return nil, errors.New("a comment needs a line of its own; a word that begins with # needs quotes")
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	switch {
	case quote != 0:
		return nil, errors.New("a quote " + string(quote) + " is not closed")
	case inWord:
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errEmpty
	}
	return words, nil
}

// joinWords is the inverse of splitWords.
func joinWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, blanks+`'"\`) || w[0] == '#' {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		quoted[i] = w
	}
	return strings.Join(quoted, " ")
}
