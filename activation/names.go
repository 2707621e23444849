package activation

import (
	"fmt"
	"strings"

	"github.com/availd/availd/internal/prose"
)

const (
	maxName = 255       // FDNAME_MAX of systemd
	unnamed = "unknown" // as sd_listen_fds_with_names(3) has it
)

// names reads LISTEN_FDNAMES. A socket without a usable name is served all the same, as
// "unknown", and complaint says so: systemd itself passes the name of an instance such as
// web@127.0.0.1:8000.socket as it is, although names are separated by colons, and others
// who pass sockets are less careful. A name never has a colon here.
func names(environment lookup, count int) (t table, complaint string) {
	value, set := environment("LISTEN_FDNAMES")
	if !set {
		return fill(nil, count), ""
	}
	words := strings.Split(value, ":")
	if len(words) > count {
		split := len(words)
		if words = regroup(words, count); words[0] == "" {
			complaint = fmt.Sprintf("it has %d names for %d descriptors, so none of the sockets has one", split, count)
		}
	}
	switch {
	case len(words) > count:
		complaint = fmt.Sprintf("it has %d names for %d sockets, so none of them has one", len(words), count)
		words = nil
	case len(words) < count && value != "":
		complaint = fmt.Sprintf("it has %d names for %d sockets, so the last ones have none", len(words), count)
	}
	t = fill(words, count)
	for i, name := range t {
		switch {
		case !usable(name):
			complaint = fmt.Sprintf("the name of socket %d is not printable, or longer than %d bytes", i+1, maxName)
			t[i] = unnamed
		case strings.Contains(name, ":"):
			t[i] = strings.ReplaceAll(name, ":", "_")
			complaint = fmt.Sprintf("the name of socket %d has a colon, which separates names: it is taken for %s", i+1, t[i])
		}
	}
	if complaint != "" {
		complaint = fmt.Sprintf("%q: %s", clip(value), complaint)
	}
	return t, complaint
}

// regroup joins names that a colon has split: that of a single socket, or those of socket
// units without FileDescriptorName=, which are called like the unit. What comes from the
// descriptor store follows them and has no colon. Otherwise no socket has a name, but what
// is stored keeps its own.
func regroup(words []string, count int) []string {
	first := len(words)
	for first > 0 && isStored(words[first-1]) {
		first--
	}
	sockets, stored := words[:first], words[first:]
	most := count - len(stored)
	if most < 1 {
		return words
	}
	groups := byInstance(sockets)
	if len(groups) != most {
		groups = bySuffix(sockets)
	}
	if most == 1 {
		groups = []string{strings.Join(sockets, ":")}
	}
	if len(groups) != most {
		if len(stored) == 0 {
			return words
		}
		groups = make([]string, most)
	}
	return append(groups, stored...)
}

// byInstance joins what follows an @ up to .socket, the rest of an instance's name.
func byInstance(words []string) (groups []string) {
	open := false
	for _, word := range words {
		if open {
			groups[len(groups)-1] += ":" + word
		} else {
			groups = append(groups, word)
		}
		open = strings.Contains(groups[len(groups)-1], "@") && !strings.HasSuffix(word, ".socket")
	}
	return groups
}

// bySuffix has a name end at each .socket.
func bySuffix(words []string) (groups []string) {
	open := false
	for _, word := range words {
		if open {
			groups[len(groups)-1] += ":" + word
		} else {
			groups = append(groups, word)
		}
		open = !strings.HasSuffix(word, ".socket")
	}
	return groups
}

// fill makes a table of count names.
func fill(words []string, count int) table {
	t := make(table, count)
	for i := range t {
		t[i] = unnamed
		if i < len(words) && words[i] != "" {
			t[i] = words[i]
		}
	}
	return t
}

// usable names can be shown, logged and passed on.
func usable(name string) bool {
	return len(name) <= maxName && prose.IsPrintable(name)
}

func clip(s string) string {
	if len(s) > maxName {
		return s[:maxName] + "…"
	}
	return s
}
