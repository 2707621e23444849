package activation

import "os"

// Passed is the number of the descriptor that the service manager has passed under name,
// and -1 if there is none. Nothing is taken and nothing is forgotten: that is for
// [Inherited].
func Passed(name string) int {
	t, _, ok, err := readTable(os.LookupEnv)
	if err != nil || !ok {
		return -1
	}
	for i, n := range t {
		if n == name && inherited(firstFD+i) {
			return firstFD + i
		}
	}
	return -1
}
