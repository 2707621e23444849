package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"
)

// fileMax is the size in bytes up to which a configuration file is read.
const fileMax = 1 << 20

// readFile returns the options in the file called name. Every error is an
// *Error with the file's name.
func readFile(name string) ([]entry, error) {
	data, err := slurp(name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err // the name is in File
		}
		return nil, &Error{File: name, Reason: "read configuration", Err: forUser(err)}
	}
	return parseFile(name, data)
}

// forUser names the user to whom something is denied: whoever reads the message
// is seldom that one, and may read the file.
func forUser(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w for user %d", err, os.Geteuid())
	}
	return err
}

var (
	errNotRegular = errors.New("not a regular file")
	errFileSize   = fmt.Errorf("larger than %d bytes", fileMax)
)

// slurp reads a regular file of bounded size. O_NONBLOCK keeps a FIFO from
// holding up the open until somebody writes to it, O_NOCTTY a terminal from
// becoming ours.
func slurp(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, syscall.EISDIR
	case !st.Mode().IsRegular():
		return nil, errNotRegular
	}
	data, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err == nil && len(data) > fileMax {
		err = errFileSize
	}
	return data, err
}

// parseFile reads the lines of a file, all of which have to be right.
func parseFile(name string, data []byte) ([]entry, error) {
	entries, mistakes := parseLines(name, data)
	if len(mistakes) > 0 {
		return nil, mistakes[0]
	}
	return entries, nil
}

// parseLines reads lines of option=value. Blanks around both are dropped, as is
// a CR at the end of a line and a byte order mark at the start of the file.
// Lines that are empty or start with # or ; are skipped.
func parseLines(name string, data []byte) (entries []entry, mistakes []*Error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	number := 0
	for line := range bytes.Lines(data) {
		number++
		e, err := parseLine(string(line))
		if err != nil {
			err.File, err.Line = name, number
			mistakes = append(mistakes, err)
		} else if e.option != nil {
			e.file, e.line = name, number
			entries = append(entries, e)
		}
	}
	return entries, mistakes
}

// parseLine returns an entry without an option for a line that holds none. It
// leaves the place in the error to the caller.
func parseLine(line string) (entry, *Error) {
	if strings.ContainsRune(line, 0) {
		return entry{}, &Error{Reason: "NUL byte, this is not a text file"}
	}
	if !utf8.ValidString(line) {
		return entry{}, &Error{Reason: "not UTF-8"}
	}
	line = strings.Trim(line, blanks)
	if line == "" || line[0] == '#' || line[0] == ';' {
		return entry{}, nil
	}
	if line[0] == '[' {
		return entry{}, &Error{Reason: plain(line) + ": this file has no sections, leave the line out"}
	}
	name, value, found := strings.Cut(line, "=")
	name, value = strings.TrimRight(name, blanks), strings.TrimLeft(value, blanks)
	if !found && strings.ContainsAny(name, blanks) {
		return entry{}, &Error{Reason: plain(line) + ": want option=value"}
	}
	option, err := fileOption(name)
	if err != nil {
		return entry{}, err
	}
	if !found {
		return entry{}, &Error{Option: name, Reason: "no value", Want: option.Accepts()}
	}
	if option.Name != commandKey && (strings.Contains(value, " #") || strings.Contains(value, "\t#")) { // a command may have quotes
		return entry{}, &Error{Option: name, Value: value, Reason: "a comment needs a line of its own"}
	}
	return entry{option: option, value: value}, nil
}

// fileOption finds the option that a line names.
func fileOption(name string) (*Option, *Error) {
	if name == "" {
		return nil, &Error{Reason: "no option before the ="}
	}
	if bare := strings.TrimLeft(name, "-"); bare != name {
		return nil, &Error{Option: name, Reason: "options stand here without dashes, write " + plain(bare)}
	}
	option := findKey(name)
	if option == nil {
		return nil, &Error{Option: name, Reason: unlike(name, append(table[:len(table):len(table)], unitTable...))}
	}
	if option.CommandLineOnly {
		return nil, &Error{Option: name, Reason: "only possible on the command line"}
	}
	return option, nil
}
