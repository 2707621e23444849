package sockdiag_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// TestDrops: who finds no room in the queue is counted at that socket, and at no other.
func TestDrops(t *testing.T) {
	fd, sa := listening(t, unix.AF_INET, unix.SOCK_STREAM, 0, local4)
	other, _ := listening(t, unix.AF_INET, unix.SOCK_STREAM, 0, local4)
	if n, ok := sockdiag.Drops(fd); !ok || n != 0 {
		t.Fatalf("%d drops of an empty queue, known %t", n, ok)
	}
	for range room + 1 { // the kernel lets in one more than it was told
		connect(t, unix.AF_INET, unix.SOCK_STREAM, 0, sa)
	}
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(client)
	if err := unix.Connect(client, sa); err != unix.EINPROGRESS {
		t.Fatalf("connect: %v, want EINPROGRESS", err)
	}
	deadline := time.After(10 * time.Second)
	for {
		if n, ok := sockdiag.Drops(fd); ok && n > 0 {
			break
		}
		select {
		case <-deadline:
			t.Fatal("nobody was dropped")
		case <-time.After(time.Millisecond):
		}
	}
	if n, ok := sockdiag.Drops(other); !ok || n != 0 {
		t.Errorf("%d drops at another socket, known %t", n, ok)
	}
	stream, _ := listening(t, unix.AF_UNIX, unix.SOCK_STREAM, 0, path(t))
	for _, fd := range []int{stream, client, -1} {
		if n, ok := sockdiag.Drops(fd); ok || n != 0 {
			t.Errorf("descriptor %d has %d drops", fd, n)
		}
	}
}
