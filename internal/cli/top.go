package cli

import (
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/top"
)

// Times of the live view.
const (
	topPeriod = time.Second
	// topWait bounds the question to a service that does not answer.
	topWait = 800 * time.Millisecond
	// keyWait is how long the rest of a key may take, on a serial line.
	keyWait = 100 * time.Millisecond
	// stopWait is how long the stop by the shell's key may take.
	stopWait = 200 * time.Millisecond
)

func topCommand() *cli.Command {
	return &cli.Command{
		Name: "top", Usage: "watch all pools on this host, or one, with their busiest workers",
		UsageText: "availd top [--color=auto|always|never] [NAME]", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to use colours: auto, always or never"},
		},
		Action: runTop,
	}
}

func runTop(c *cli.Context) error {
	if err := checkColor(c); err != nil {
		return err
	}
	name := ""
	if c.Args().Present() {
		var err error
		if name, err = oneName(c); err != nil {
			return err
		}
	}
	if !top.IsTerminal(os.Stdin) || !top.IsTerminal(os.Stdout) {
		once := strings.TrimSpace("availd status " + name)
		return usage("top is for a terminal, which standard input and output have to be; %s shows the same once, and for programs %s",
			once, strings.TrimSpace("availd status --format=json "+name))
	}
	s := &sampler{path: name}
	first, err := s.first()
	if err != nil {
		return err
	}
	return watch(c, first, s)
}

// watch shows what the sampler hears until somebody quits. The terminal is given back however
// that comes about.
func watch(c *cli.Context, first []top.Heard, s *sampler) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGWINCH, unix.SIGCONT)
	defer signal.Stop(signals)
	t, err := top.Open(os.Stdin, os.Stdout, os.Getenv("TERM"))
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	defer t.Close()
	w := &watcher{
		terminal: t, picture: top.Picture{}.Next(time.Now(), first),
		view: top.View{
			Only: s.only(first), ASCII: !isUTF8(os.Getenv),
			Color: statusStyle(c.String("color"), int(os.Stdout.Fd()), os.Getenv).Color,
		},
	}
	return w.run(s.sample(), t.Keys(), signals)
}

// isUTF8 reports whether the locale's characters are in UTF-8 (locale(7)).
func isUTF8(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := getenv(name); value != "" {
			value = strings.ToLower(strings.ReplaceAll(value, "-", ""))
			return strings.Contains(value, "utf8")
		}
	}
	return false
}

// watcher is the live view. It belongs to one goroutine.
type watcher struct {
	terminal *top.Terminal
	picture  top.Picture
	view     top.View
	decoder  top.Decoder
	flush    <-chan time.Time // a key is not whole
	resume   <-chan time.Time // the stop by the shell's key did not come about
}

func (w *watcher) run(heard <-chan sample, typed <-chan []byte, signals <-chan os.Signal) error {
	for {
		if w.resume == nil {
			if err := w.draw(); err != nil {
				return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
			}
		}
		select {
		case s := <-heard:
			if !w.view.Paused() {
				w.picture = w.picture.Next(s.at, s.heard)
			}
		case b, ok := <-typed:
			if !ok { // the terminal is gone
				return nil
			}
			w.press(w.decoder.Feed(b))
		case <-w.flush:
			w.press(w.decoder.Flush())
		case <-w.resume:
			w.resumed()
		case s := <-signals:
			if status, ends := w.obey(s); ends {
				return &daemon.Exit{Status: status}
			}
		}
		if w.view.Quit() {
			return nil
		}
	}
}

func (w *watcher) draw() error {
	w.view.Width, w.view.Height = w.terminal.Size()
	return w.terminal.Draw(top.Screen(w.picture, w.view))
}

func (w *watcher) press(keys []top.Key) {
	w.flush = nil
	if w.decoder.Begun() {
		w.flush = time.After(keyWait)
	}
	for _, k := range keys {
		switch k {
		case top.Suspend:
			w.suspend()
		case top.Redraw:
			w.terminal.Redraw()
		default:
			w.view = w.view.Press(k, w.picture)
		}
	}
}

// suspend gives the terminal to the shell, as Ctrl and Z do with programs that leave the key to
// the terminal. The signal may stop this process a moment later, or not at all where there is
// no shell that could continue it.
func (w *watcher) suspend() {
	w.terminal.Close()
	w.resume = time.After(stopWait)
	_ = unix.Kill(unix.Getpid(), unix.SIGTSTP)
}

func (w *watcher) resumed() {
	w.resume = nil
	_ = w.terminal.Resume() // what cannot be drawn on is found out by draw
}

// obey acts on a signal. The status is that of shells for a program that a signal ended.
func (w *watcher) obey(s os.Signal) (status int, ends bool) {
	switch s {
	case unix.SIGWINCH:
		w.terminal.Redraw()
		return 0, false
	case unix.SIGCONT:
		w.resumed()
		return 0, false
	}
	number, _ := s.(unix.Signal)
	return 128 + int(number), true
}

// sample is what was heard of all services at one moment.
type sample struct {
	at    time.Time
	heard []top.Heard
}

// sampler asks services.
type sampler struct{ path string } // or the name of the only one; "" = all

// first asks once, and fails where availd status would.
func (s *sampler) first() ([]top.Heard, error) {
	if s.path == "" {
		paths, denied := allControlPaths()
		if len(paths) == 0 && len(denied) > 0 {
			return nil, denied[0]
		}
		return askTop(paths), nil
	}
	path, err := controlPath(s.path)
	if err != nil {
		return nil, err
	}
	a := answers{}
	a.ask(path, s.path)
	if a.silent != nil {
		return nil, a.silent[0]
	}
	return askTop([]string{path}), nil
}

// only is the name of the only service, by its own word.
func (s *sampler) only(first []top.Heard) string {
	if s.path == "" || len(first) == 0 {
		return ""
	}
	return first[0].Name
}

// sample asks again and again, once a period.
func (s *sampler) sample() <-chan sample {
	heard := make(chan sample)
	go func() {
		for range time.Tick(topPeriod) {
			heard <- s.ask()
		}
	}()
	return heard
}

func (s *sampler) ask() sample {
	paths := []string{}
	if s.path == "" {
		paths, _ = allControlPaths()
	} else if path, err := controlPath(s.path); err == nil {
		paths = append(paths, path)
	}
	heard := askTop(paths)
	return sample{time.Now(), heard}
}

// askTop asks services, all at the same time. Those that this user may not ask are left out.
func askTop(paths []string) []top.Heard {
	all := make([]answers, len(paths))
	var group sync.WaitGroup
	places := make(chan struct{}, askedAtOnce)
	for i, path := range paths {
		places <- struct{}{}
		group.Go(func() {
			all[i].patience = topWait
			all[i].ask(path, "")
			<-places
		})
	}
	group.Wait()
	var heard []top.Heard
	for i, a := range all {
		name := filepath.Base(filepath.Dir(paths[i]))
		switch {
		case a.services != nil:
			s := a.services[0]
			heard = append(heard, top.Heard{Name: s.Name, Service: &s})
		case isDenied(a.silent[0]):
		case isNotRunning(a.silent[0]): // its socket is left over
		default:
			heard = append(heard, top.Heard{Name: name, Why: a.silent[0].Error()})
		}
	}
	return heard
}
