package prose

import "strings"

// longest is the longest word that is compared: the cost is the product of two
// lengths, and no name that availd or systemd knows is longer.
const longest = 40

// Nearest returns the one of words that looks most like word, for the "did you mean" of
// error messages: the first of several that do so equally, or "" when none is close. Capitals make no difference.
func Nearest(word string, words []string) string {
	if len(word) > longest {
		return ""
	}
	best, found := 1+len(word)/3, ""
	word = strings.ToLower(word)
	for _, candidate := range words {
		lower := strings.ToLower(candidate)
		if n := len(lower) - len(word); n > best || -n > best { // the distance is no less
			continue
		}
		if d := distance(word, lower); d <= best && (found == "" || d < best) {
			best, found = d, candidate
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
