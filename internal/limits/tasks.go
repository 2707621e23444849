package limits

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/procfs"
)

// Startable is how many more tasks this process may start, threads of its own among them,
// and the setting that bounds them; Unknown: nothing does, as far as can be seen. Others
// may start some at the same time. It may be more where it is enough.
func Startable(enough int) (left int, setting string) {
	left = Unknown
	if n, bounded := Room(Tasks); bounded {
		left, setting = small(n), "TasksMax="
	}
	if most := processes(); most != Unknown {
		n := most - allTasks()
		if n < enough {
			n = max(0, most-tasksOf(os.Getuid()))
		}
		if left == Unknown || n < left {
			left, setting = n, "LimitNPROC="
		}
	}
	return left, setting
}

// allTasks is how many tasks the machine has (proc_loadavg(5)). That says enough of what a
// user has as a rule, where a look at each process would delay the start: 0.2 s with 5,000.
func allTasks() int {
	data, _ := os.ReadFile("/proc/loadavg") // 0.20 0.18 0.12 1/80 11206
	if words := strings.Fields(string(data)); len(words) > 3 {
		_, total, _ := strings.Cut(words[3], "/")
		if n, err := strconv.Atoi(total); err == nil {
			return n
		}
	}
	return math.MaxInt32
}

// tasksOf is how many tasks a user has, which is what RLIMIT_NPROC of getrlimit(2) bounds.
func tasksOf(uid int) (n int) {
	for _, pid := range procfs.Processes() {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			n += tasksIn(string(text), uid)
		}
	}
	return n
}

// tasksIn reads the status of a process (proc_pid_status(5)): its threads if its real user
// is that one, else none.
func tasksIn(text string, uid int) (n int) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) > 1 && words[0] == "Uid:" && words[1] != strconv.Itoa(uid):
			return 0
		case len(words) > 1 && words[0] == "Threads:":
			n, _ = strconv.Atoi(words[1])
		}
	}
	return n
}
