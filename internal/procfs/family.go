package procfs

// Family is a process and what it has started, at most so many, the oldest first.
func Family(pid, most int) []int {
	list := []int{pid}
	for i := 0; i < len(list) && len(list) < most; i++ {
		children, _ := Children(list[i])
		list = append(list, children...)
	}
	return list[:min(len(list), most)]
}
