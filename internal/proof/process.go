package proof

import "github.com/availd/availd/internal/procfs"

// Family is a process and what it has started, at most so many, the oldest first.
func Family(pid, most int) []int {
	list := []int{pid}
	for i := 0; i < len(list) && len(list) < most; i++ {
		children, _ := procfs.Children(list[i])
		list = append(list, children...)
	}
	return list[:min(len(list), most)]
}

// maxFiles bounds how many descriptors of a process are looked at.
const maxFiles = 1 << 16

// filesOf are the sockets among a process's descriptors, by descriptor, each with its
// inode number. Descriptors of other kinds are there with 0.
func filesOf(pid int) map[int]uint64 {
	files := map[int]uint64{}
	for f, err := range procfs.Files(pid, 0, maxFiles) {
		if err == nil {
			files[f.Number], _ = f.Socket()
		}
	}
	return files
}

// isAlive reports whether a process has not begun to exit: then it has no descriptor any
// more, although it may be there for a while. A connection that such a one had was not
// finished, and may be what has made it crash.
func isAlive(pid int) bool { return len(filesOf(pid)) > 0 }
