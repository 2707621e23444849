package limits

import (
	"math"
	"os"
	"testing"
)

func TestTasksIn(t *testing.T) {
	const text = "Name:\tUid: 5\nUid:\t1000\t0\t0\t0\nThreads:\t7\nSigQ:\t0/1\n"
	for uid, want := range map[int]int{1000: 7, 0: 0, 5: 0} {
		if got := tasksIn(text, uid); got != want {
			t.Errorf("user %d has %d, want %d", uid, got, want)
		}
	}
	if tasksIn("", 0) != 0 || tasksIn("Threads:\nUid:\n", 0) != 0 {
		t.Error("tasks are read out of nothing")
	}
	if n := tasksOf(os.Getuid()); n < 2 { // this process has more threads than one
		t.Errorf("this user has %d tasks", n)
	}
	if n := allTasks(); n < 2 || n == math.MaxInt32 {
		t.Errorf("the machine has %d tasks", n)
	}
}
