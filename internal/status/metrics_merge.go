package status

import "bytes"

// block is one name: its two lines of comment, and the series.
type block struct{ head, lines []byte }

// MergeMetrics makes one text of those of several services, each as [Metrics] writes
// them: the format wants all series of a name together, below one head.
func MergeMetrics(texts ...[]byte) []byte {
	blocks := map[string]*block{}
	var order []*block
	for _, text := range texts {
		b, fresh := &block{}, false // of series without a head, which no availd writes
		for line := range bytes.Lines(text) {
			switch words := bytes.SplitN(line, []byte(" "), 4); {
			case line[0] != '#':
				b.lines = append(b.lines, line...)
				continue
			case len(words) == 4 && string(words[1]) == "HELP":
				name := string(words[2])
				if b, fresh = blocks[name], blocks[name] == nil; fresh {
					b = &block{}
					blocks[name], order = b, append(order, b)
				}
			}
			if fresh {
				b.head = append(b.head, line...)
			}
		}
	}
	var out []byte
	for _, b := range order {
		out = append(append(out, b.head...), b.lines...)
	}
	return out
}
