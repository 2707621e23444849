package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/units"
)

func unitsCommand() *cli.Command {
	var settings []config.Setting
	return &cli.Command{
		Name: "units", Usage: "print or write a .socket, a .service and a .conf for a worker",
		UsageText:       "availd units [OPTIONS] --listen ADDRESS NAME -- COMMAND [ARG…]",
		HideHelpCommand: true, Flags: append(unitsFlags(), runFlags(&settings)...),
		OnUsageError: func(_ *cli.Context, err error, _ bool) error { return optionError(settings, err) },
		Action:       func(c *cli.Context) error { return writeUnits(c, settings) },
	}
}

func unitsFlags() []cli.Flag {
	// Not an alias: the library takes only one name of an option on a command line.
	properties := &wordList{}
	return []cli.Flag{
		&cli.GenericFlag{Name: "listen", Value: &wordList{}, Usage: "`ADDRESS` of the socket: PORT, HOST:PORT, /path or @abstract (repeatable)"},
		&cli.StringFlag{Name: "socket-group", Usage: "`GROUP` that may connect to a path"},
		&cli.StringFlag{Name: "status-listen", Usage: "`ADDRESS` of a socket for monitoring: /status and /metrics over HTTP"},
		&cli.StringFlag{Name: "agent-listen", Usage: "`ADDRESS` of a socket for HAProxy's agent-check"},
		&cli.GenericFlag{Name: "property", Value: properties, Usage: "or -p: setting `KEY=VALUE` of the service, as of systemd-run (repeatable)"},
		&cli.GenericFlag{Name: "p", Value: properties, Hidden: true},
		&cli.IntFlag{Name: "systemd", Usage: "write for this `VERSION` of systemd", DefaultText: "the running one, else " + strconv.Itoa(units.OldestSystemd)},
		&cli.BoolFlag{Name: "user", Usage: "write for your own service manager, systemctl --user"},
		&cli.StringFlag{Name: "output", Usage: "write the units to `DIR` instead of printing them; NAME.conf goes to --conf-dir, or to DIR where DIR is no directory of units"},
		&cli.StringFlag{Name: "conf-dir", Usage: "`DIR` in which the service looks for NAME.conf", DefaultText: units.DefaultConfDir},
		&cli.StringFlag{Name: "binary", Usage: "`PATH` of availd", DefaultText: "this program, or " + units.DefaultBinary},
		&cli.BoolFlag{Name: "force", Usage: "replace files that are there"},
	}
}

// ownBinary is the path of availd for the units: this program, where it is installed
// in a place that services can see; units.Generate has the other default.
func ownBinary(c *cli.Context) string {
	path, err := os.Executable()
	if given := c.String("binary"); given != "" || err != nil {
		return given
	}
	for _, unseen := range []string{"/home/", "/root/", "/run/", "/tmp/", "/var/tmp/"} {
		if strings.HasPrefix(path, unseen) {
			return ""
		}
	}
	return path
}

// wordList collects a repeated option as it is; the library's own lists split
// at commas.
type wordList struct{ words []string }

func (w *wordList) Set(value string) error { w.words = append(w.words, value); return nil }
func (w *wordList) String() string         { return "" }

// notInFile are the options of run that are the units' affair, or mean something
// else to them.
var notInFile = []string{"listen", "config", "name"}

// runFlags are the options of run that a .conf file may hold.
func runFlags(settings *[]config.Setting) []cli.Flag {
	return slices.DeleteFunc(config.Flags(settings), func(f cli.Flag) bool {
		return slices.Contains(notInFile, f.Names()[0])
	})
}

func writeUnits(c *cli.Context, settings []config.Setting) error {
	name, command, err := nameAndCommand(c.Args().Slice())
	if err != nil {
		return err
	}
	settings = withKnown(settings, command, c.App.ErrWriter)
	cfg, err := config.Load(settings, command)
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitUsage, Err: err}
	}
	options := units.Options{
		Name: name, Command: command, Binary: ownBinary(c), ConfDir: c.String("conf-dir"),
		SocketGroup: c.String("socket-group"), Listen: c.Generic("listen").(*wordList).words,
		StatusListen: c.String("status-listen"), AgentListen: c.String("agent-listen"),
		Properties: c.Generic("property").(*wordList).words, Systemd: c.Int("systemd"),
		StopTimeout: cfg.StopTimeout,
	}
	if !c.IsSet("systemd") {
		options.Systemd = runningSystemd(c.Context)
	}
	if c.Bool("user") {
		if options.ConfigHome, err = os.UserConfigDir(); err != nil {
			return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
		}
	}
	for _, s := range settings {
		s = s.InWords()
		options.Run = append(options.Run, "--"+s.Name+"="+s.Value)
	}
	return outputUnits(c, options)
}

func outputUnits(c *cli.Context, options units.Options) error {
	set, err := units.Generate(options)
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitUsage, Err: err}
	}
	n := next{options: options, set: set, dir: c.String("output"), look: lookHere()}
	if n.dir == "" {
		err = set.Print(c.App.Writer)
	} else {
		n.dir, _ = filepath.Abs(n.dir) // fails without a working directory alone; then it is as it was given
		n.changes = set.Compare(n.dir, n.confDir())
		err = set.WriteTo(n.dir, n.confDir(), c.Bool("force"))
	}
	switch {
	case errors.Is(err, os.ErrExist):
		return &daemon.Exit{Status: daemon.ExitUsage, Err: err}
	case err != nil:
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	n.say(c.App.ErrWriter)
	return nil
}

// nameAndCommand splits NAME -- COMMAND [ARG…]. The library leaves the -- in
// place, because NAME comes before it.
func nameAndCommand(args []string) (string, []string, error) {
	i := slices.Index(args, "--")
	if i < 0 {
		if err := noLateOptions(args); err != nil {
			return "", nil, err
		}
		return "", nil, usage("COMMAND is missing: availd units [OPTIONS] NAME -- COMMAND [ARG…]")
	}
	if err := noLateOptions(args[:i]); err != nil {
		return "", nil, err
	}
	if i != 1 {
		return "", nil, usage("one NAME is expected before --, not %q", strings.Join(args[:i], " "))
	}
	return args[0], args[i+1:], nil
}

// withKnown adds the protocol of a program that speaks only one, where none is given.
func withKnown(settings []config.Setting, command []string, w io.Writer) []config.Setting {
	known := protocol.Of(command)
	isProtocol := func(s config.Setting) bool { return s.Name == "protocol" }
	if known == nil || known.Protocol == nil || slices.ContainsFunc(settings, isProtocol) {
		return settings
	}
	fmt.Fprintf(w, "no --protocol is given: %s is written, as %s is known, and %s\n", known.Protocol, filepath.Base(command[0]), known.Why)
	return append([]config.Setting{{Name: "protocol", Value: known.Protocol.Name}}, settings...)
}
