package protocol

import (
	"path/filepath"
	"slices"
	"strings"
)

// Known is what is known of a program by its name.
type Known struct {
	Protocol *Protocol // nil = it is no program for availd
	Why      string    // in words that follow the program's name and a comma
}

// programs are those that are served in one way only, by the names of their files without a
// version; a star stands for the rest. What is not here is not known.
var programs = []struct {
	names    []string
	argument string // that must be among the arguments; "" = any
	Known
}{
	{[]string{"php-cgi", "fcgiwrap"}, "", Known{FastCGI, "it accepts on descriptor 0"}},
	{[]string{"git", "git-daemon"}, "--inetd", Known{Inetd, "with --inetd it serves one connection on its standard input and output"}},
	{[]string{"rsync"}, "--daemon", Known{Inetd, "it serves one connection where its standard input is one"}},
	{[]string{"sshd"}, "-i", Known{Inetd, "with -i it serves one connection on its standard input and output"}},
	{[]string{"cat", "in.*"}, "", Known{Inetd, "it serves one connection on its standard input and output"}},
	{[]string{"php-fpm", "uvicorn", "hypercorn"}, "", Known{nil, "it keeps workers, or many clients, by itself"}},
}

// postfix are the directories of Postfix's daemons.
var postfix = []string{"/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/lib/postfix"}

// Of is what is known of a command, nil if nothing is.
func Of(command []string) *Known {
	if len(command) == 0 {
		return nil
	}
	if slices.Contains(postfix, filepath.Dir(command[0])) {
		return &Known{Postfix, "it is a daemon of Postfix"}
	}
	name := strings.TrimRight(filepath.Base(command[0]), "0123456789.")
	for _, p := range programs {
		for _, n := range p.names {
			prefix, starred := strings.CutSuffix(n, "*")
			if (name == n || starred && strings.HasPrefix(name, prefix)) && (p.argument == "" || slices.Contains(command, p.argument)) {
				return &p.Known
			}
		}
	}
	return nil
}
