package config

import "strings"

// Nearest returns the option whose name looks most like name, for a hint, or
// "" when none is close. Dashes at the start, capitals and _ for - are no
// difference.
func Nearest(name string) string {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimLeft(name, "-"), "_", "-"))
	if len(name) > 32 { // no option is that long, and the distance is quadratic
		return ""
	}
	best, found := 1+len(name)/3, ""
	for i := range table {
		if d := distance(name, table[i].Name); d <= best && (found == "" || d < best) {
			best, found = d, table[i].Name
		}
	}
	return found
}

// distance counts the bytes to insert, delete, replace or swap with their
// neighbour to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

// unlike is the hint after an unknown option's name.
func unlike(name string) string {
	if near := Nearest(name); near != "" {
		return "unknown option, did you mean " + near + "?"
	}
	return "unknown option"
}
