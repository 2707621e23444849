package config

import (
	"strings"

	"github.com/availd/availd/internal/prose"
)

// Nearest returns the option whose name looks most like name, for a hint, or
// "" when none is close. Dashes at the start, capitals and _ for - are no
// difference.
func Nearest(name string) string { return nearest(name, table) }

func nearest(name string, among []Option) string {
	names := make([]string, len(among))
	for i := range among {
		names[i] = among[i].Name
	}
	return prose.Nearest(strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-"), names)
}

// unlike is the hint after an unknown option's name.
func unlike(name string, among []Option) string {
	if near := nearest(name, among); near != "" {
		return "unknown option, did you mean " + near + "?"
	}
	return "unknown option"
}
