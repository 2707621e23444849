package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/units"
)

// This file makes units of files that describe a whole service, those with a command=.
// systemd runs it, by the name below, at boot and at every daemon-reload, before it loads
// units (systemd.generator(7)): it talks to nobody, waits for nothing, and is over soon.
//
// What systemd has loaded loses its settings when there is no unit for it any more, also a
// service that runs. So a mistake is no reason to leave units out, as long as there is an
// address to listen on: it is said, and again by availd run, which does not start with it.

// generatorName is the name by which this program is a generator.
const generatorName = "availd-generator"

// Where the files are, and where packages have units, which those of a generator would
// replace. Variables so that tests have their own.
var (
	generatorConf = units.DefaultConfDir
	packagedUnits = []string{"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
)

// generator writes the units of all files.
type generator struct {
	dir    string // where systemd wants units of ordinary priority: below those of /etc
	conf   string
	binary string // the path of availd
	say    func(mistake)
}

// mistake is one in the file of a service.
type mistake struct {
	service string // without an ending
	err     *config.Error
}

// generate is the program by that name. Mistakes of files are no failure of it.
func generate(args []string) int {
	if len(args) != 2 && len(args) != 4 {
		fmt.Fprintf(os.Stderr, "usage: %s NORMAL-DIR [EARLY-DIR LATE-DIR]\n", generatorName)
		return daemon.ExitUsage
	}
	if os.Getenv("SYSTEMD_SCOPE") == "user" || os.Getenv("SYSTEMD_IN_INITRD") == "1" {
		return 0 // the files are those of the system, when it has its root directory
	}
	g := generator{dir: args[1], conf: generatorConf, binary: linkedBinary(args[0]), say: mistakeLog()}
	if err := g.all(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", generatorName, prose.Printable(err.Error()))
		return daemon.ExitSystem
	}
	return 0
}

// linkedBinary is where the link leads by whose name this program was started: the path
// of availd that people know. Where it is none, that is this file.
func linkedBinary(name string) string {
	if to, err := os.Readlink(name); err == nil {
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		if absolute, err := filepath.Abs(to); err == nil {
			return absolute
		}
	}
	own, _ := os.Executable() // fails without /proc, where no service of availd runs
	return own
}

// all writes the units of each file. An error is that they cannot be written.
func (g *generator) all() error {
	entries, err := os.ReadDir(g.conf)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".conf"); ok && name != "" && name[0] != '.' {
			failed = append(failed, g.one(name))
		}
	}
	return errors.Join(failed...)
}

func (g *generator) one(name string) error {
	file := filepath.Join(g.conf, name+".conf")
	s, found, err := config.ReadService(file)
	if err != nil || !found {
		return nil // a file of somebody's own units, whose availd says what is wrong with it
	}
	o, mistakes := g.options(name, s)
	all := append(s.Mistakes, mistakes...)
	for _, list := range [][]*config.Error{all, mistakes} {
		slices.SortStableFunc(list, func(a, b *config.Error) int { return a.Line - b.Line })
	}
	for _, e := range all {
		g.say(mistake{name, e})
	}
	if o.Listen == nil {
		return nil
	}
	if len(mistakes) > 0 {
		o.Refused = mistakes[0].Error()
	}
	set, err := units.Generate(o)
	if err != nil { // by settings that contradict each other: the unit says so, without them
		wrong := s.Fault("command", "", err.Error())
		g.say(mistake{name, wrong})
		o.Refused, o.Properties, o.SocketGroup, o.Command = wrong.Error(), whose(o.Properties), "", nil
		if set, err = units.Generate(o); err != nil {
			return nil // it is said
		}
	}
	if err := set.WriteUnits(g.dir); err != nil {
		return err
	}
	return g.enable(s, name, o)
}

// whose are the settings of which user a service is.
func whose(properties []string) []string {
	return slices.DeleteFunc(properties, func(p string) bool {
		key, _, _ := strings.Cut(p, "=")
		return !slices.Contains([]string{"User", "Group", "DynamicUser"}, key)
	})
}

// options are those of the units. What is wrong is left out; without an address there are
// no units.
func (g *generator) options(name string, s config.Service) (o units.Options, mistakes []*config.Error) {
	wrong := func(key, value string, err error) bool {
		if err != nil {
			mistakes = append(mistakes, s.Fault(key, value, err.Error()))
		}
		return err != nil
	}
	if wrong("", "", units.CheckName(name)) || wrong("", "", packaged(name)) {
		return o, mistakes
	}
	o = units.Options{
		Name: name, Source: s.File, Command: s.Command, Binary: g.binary, ConfDir: g.conf, StopTimeout: s.StopTimeout,
		SocketGroup: s.Units.SocketGroup, Systemd: math.MaxInt, // one that knows settings of which units does not
	}
	for _, setting := range s.Settings {
		o.Run = append(o.Run, "--"+setting.Name+"="+setting.Value)
	}
	for _, p := range s.Units.Properties {
		if !wrong("property", p, units.CheckProperty(p)) {
			o.Properties = append(o.Properties, p)
		}
	}
	for _, own := range []struct {
		key, address string
		to           *string
	}{{"status-listen", s.Units.StatusListen, &o.StatusListen}, {"agent-listen", s.Units.AgentListen, &o.AgentListen}} {
		if own.address != "" && !wrong(own.key, own.address, units.CheckListen(own.address)) {
			*own.to = own.address
		}
	}
	for _, address := range s.Listen {
		if !wrong("listen", address, units.CheckListen(address)) {
			o.Listen = append(o.Listen, address)
		}
	}
	if s.Listen == nil && !hasMistake(s.Mistakes, "listen") {
		wrong("command", "", errNoAddress)
	}
	return o, mistakes
}

var errNoAddress = errors.New("no listen=, so that there is no socket to start the service: give an address, such as listen=127.0.0.1:8080 or listen=/run/NAME.sock")

func hasMistake(all []*config.Error, option string) bool {
	for _, e := range all {
		if e.Option == option {
			return true
		}
	}
	return false
}

// packaged refuses the name of a unit that a package has: that one would be gone.
func packaged(name string) error {
	for _, dir := range packagedUnits {
		for _, suffix := range []string{".socket", ".service"} {
			path := filepath.Join(dir, name+suffix)
			if _, err := os.Lstat(path); err == nil {
				return fmt.Errorf("no units are made of this file, as they would replace %s of a package: call it otherwise", path)
			}
		}
	}
	return nil
}

// enable has the units started with the machine, which systemctl enable cannot do for
// those of a generator.
func (g *generator) enable(s config.Service, name string, o units.Options) error {
	if !s.Units.Enabled {
		return nil
	}
	err := g.wanted("sockets.target", name+".socket")
	if s.MinSpare > 0 {
		err = errors.Join(err, g.wanted("multi-user.target", name+".service"))
	}
	return err
}

func (g *generator) wanted(target, unit string) error {
	dir := filepath.Join(g.dir, target+".wants")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Symlink(filepath.Join("..", unit), filepath.Join(dir, unit))
}
