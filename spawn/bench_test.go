package spawn

import (
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// BenchmarkStart measures the time until a worker's first act, for every way to
// be started, and how many times that of a program in C it is: vfork and exec of
// the same worker. Starts of both take turns, so that they share what else the
// machine does, and medians are compared.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	worker, parent := compile(b, dir, "worker"), compile(b, dir, "parent")
	for _, w := range ways() {
		b.Run(wayNames[w], func(b *testing.B) {
			defer take(w)()
			inC := startParent(b, parent, worker)
			defer inC.stop()
			b.ReportAllocs()
			var ours, theirs []time.Duration
			for b.Loop() {
				ours = append(ours, inC.ours(b, worker))
				b.StopTimer()
				theirs = append(theirs, inC.theirs(b))
				b.StartTimer()
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			own, other := ours[len(ours)/2], theirs[len(theirs)/2]
			b.ReportMetric(float64(own.Microseconds()), "median-µs")
			b.ReportMetric(float64(other.Microseconds()), "C-median-µs")
			b.ReportMetric(float64(own)/float64(other), "ratio")
		})
	}
}

func compile(b *testing.B, dir, name string) string {
	b.Helper()
	program := filepath.Join(dir, name)
	cmd := exec.Command("cc", "-O2", "-Wall", "-static", "-o", program, filepath.Join("testdata", name+".c"))
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Skipf("no C compiler that works: %v: %s", err, out)
	}
	return program
}

// inC is the program in C, and the pipe of our own workers.
type inC struct {
	cmd       *exec.Cmd
	ask       io.WriteCloser
	answers   io.Reader
	read, say int
}

func startParent(b *testing.B, parent, worker string) *inC {
	b.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		b.Fatal(err)
	}
	c := &inC{cmd: exec.Command(parent, worker), read: p[0], say: p[1]}
	c.cmd.Stderr = os.Stderr
	c.ask, _ = c.cmd.StdinPipe()
	c.answers, _ = c.cmd.StdoutPipe()
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return c
}

func (c *inC) stop() {
	_ = c.ask.Close()
	_ = c.cmd.Wait()
	_, _ = unix.Close(c.read), unix.Close(c.say)
}

func (c *inC) theirs(b *testing.B) time.Duration {
	var took [8]byte
	_, err := c.ask.Write([]byte{1})
	if err == nil {
		_, err = io.ReadFull(c.answers, took[:])
	}
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(binary.NativeEndian.Uint64(took[:]))
}

func (c *inC) ours(b *testing.B, worker string) time.Duration {
	command := Command{Path: worker, Environ: os.Environ()}
	began := time.Now()
	p, err := command.Start(1, false, Handover{
		Files: []int{Null, 1, 2, c.say}, Env: []string{"LISTEN_FDS=1"}, PIDs: []string{"LISTEN_PID"},
	})
	if err != nil {
		b.Fatal(err)
	}
	var said [1]byte
	if err := retry(func() error { _, err := unix.Read(c.read, said[:]); return err }); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, 10_000)
	if end, ended, err := p.Wait(); err != nil || !ended || end != (policy.End{}) {
		b.Fatal(end, ended, err)
	}
	_ = p.Close()
	return took
}
