package config

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/availd/availd/internal/prose"
)

// Error is a refused option. Fields that do not apply are empty.
type Error struct {
	File   string // the configuration file, when that is where the option stands
	Line   int    // from 1; 0 = the file as a whole
	Option string // without dashes
	Value  string // as given
	Reason string // what is wrong
	Want   string // what is accepted instead
	Err    error  // of the operating system, when the file cannot be read
	IsSet  bool   // it is of "availd set", which takes options as the file has them
}

// IsFile reports whether the mistake is in the configuration file rather than
// on the command line. A file that cannot be read counts as the file's.
func (e *Error) IsFile() bool { return e.File != "" }

// Unwrap returns the operating system's error, if there is one.
func (e *Error) Unwrap() error { return e.Err }

// Error is one line of printable text of bounded length, whatever was given.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(printable(clipPath(e.File)))
		if e.Line > 0 {
			b.WriteString(":" + strconv.Itoa(e.Line))
		}
		b.WriteString(": ")
	}
	if e.Option != "" {
		if e.File == "" && !e.IsSet {
			b.WriteString("--")
		}
		b.WriteString(plain(e.Option))
		if e.Value != "" || e.Want != "" {
			b.WriteString("=" + plain(e.Value))
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Complaint())
	return b.String()
}

// Complaint is the part after the place.
func (e *Error) Complaint() string {
	s := e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Want != "" {
		s += "; accepted: " + e.Want
	}
	return s
}

// shown is how many characters of a value an error repeats.
const shown = 80

// clip shortens s to what an error repeats.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= shown {
		return s
	}
	return string([]rune(s)[:shown]) + "..."
}

// clipPath shortens a path to its end, where files differ.
func clipPath(s string) string {
	if utf8.RuneCountInString(s) <= shown {
		return s
	}
	r := []rune(s)
	return "..." + string(r[len(r)-shown:])
}

// quote is for text inside a sentence.
func quote(s string) string { return strconv.Quote(clip(s)) }

// plain is for text that is a word of the sentence itself.
func plain(s string) string { return printable(clip(s)) }

// printable leaves text as it is when it can be printed, and quotes it otherwise.
func printable(s string) string {
	if prose.IsPrintable(s) {
		return s
	}
	return strconv.Quote(s)
}
