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
// neighbour to make b of a. The rows of its table are one array: a word is compared with
// hundreds, and an allocation for each row took half of the time.
func distance(a, b string) int {
	width := len(b) + 1
	cells := make([]int, (len(a)+1)*width)
	for j := range width {
		cells[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above := cells[i*width:(i+1)*width], cells[(i-1)*width:i*width]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, cells[(i-2)*width+j-2]+1)
			}
			row[j] = d
		}
	}
	return cells[len(cells)-1]
}
