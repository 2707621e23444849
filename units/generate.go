package units

import (
	"bytes"
	"embed"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/availd/availd/internal/protocol"
)

//go:embed templates
var files embed.FS

// templates and forms are made when they are needed first: a daemon that starts has no
// use for them, and would keep their memory.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(files, "templates/*"))
})

// form reports whether a text has a form, which is that of package regexp.
func form(pattern string) func(text string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
	return func(text string) bool { return compiled().MatchString(text) }
}

// RefusedVariable is the variable in which a unit says why its service must not start.
const RefusedVariable = "AVAILD_REFUSED"

// facts is what the templates see: words that need no further escaping.
type facts struct {
	Name, Binary, Conf, ExecStart string
	// Source is the file that the units are made of, by a generator, or "". Refused is an
	// assignment for Environment=, or "".
	Source, Refused string

	Streams      []string
	BindIPv6Only string
	Paths        bool // one of the streams is a path
	SocketGroup  string
	NonBlocking  bool
	Inetd        bool // workers are started with their connection
	Settings     []setting
	Beside       []string // sockets of availd itself, which come and go with this one

	// What the confinement gives way to, see giveWay; nil and "" where it does not.
	Home, Tmp, Device *mention
	Devices           []string
	Ambient           string
	Rooted            bool // the service has a root directory of its own
	Alone             bool // its workers cannot become another user
	ConfDir           string
	Notes             []string

	Stored           int  // FileDescriptorStoreMax=
	OwnFiles         bool // LimitNOFILE= is for availd alone
	Files, HardFiles int

	Systemd     int  // the version that will read the units
	User        bool // for a user's own service manager
	DynamicUser bool
	Spares      bool // workers are there without a client
	StopSeconds int  // that workers have in a stop

	UnitSettings, ServiceSettings []property // asked for, and not in the template
}

// ManagerSeconds is what the service manager is to wait longer than that: it does
// not keep over a daemon-reload what availd asks for.
func (f facts) ManagerSeconds() int { return f.StopSeconds + 30 }

// BackoffSeconds is the time between two starts that systemd itself cannot make. It
// is what availd waits by itself where its configuration is wrong.
func (f facts) BackoffSeconds() int { return 5 }

// Generate returns the files of a service. They depend on nothing but o.
func Generate(o Options) (Set, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return Set{}, err
	}
	asked, err := properties(o.Properties, o.Systemd)
	if err != nil {
		return Set{}, err
	}
	f, err := o.facts(asked)
	if err != nil {
		return Set{}, err
	}
	set := Set{Name: o.Name, ConfDir: o.ConfDir, UnitDir: o.unitDir(), Notes: f.Notes}
	for name, to := range map[string]*[]byte{"socket": &set.Socket, "backoff": &set.Backoff, "conf": &set.Conf} {
		if *to, err = f.render(name); err != nil {
			return Set{}, err
		}
	}
	if set.Status, set.Agent, err = f.ownSockets(o); err != nil {
		return Set{}, err
	}
	set.Service, err = f.service(asked)
	return set, err
}

func (f facts) render(name string) ([]byte, error) { return render(name, f.Name+" ("+name+")", f) }

func render(template, file string, facts any) ([]byte, error) {
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, template, facts); err != nil {
		return nil, fmt.Errorf("write %s: %w", file, err)
	}
	return b.Bytes(), nil
}

// service renders the service twice: what the template has of the properties
// is only known of its text.
func (f facts) service(asked []property) ([]byte, error) {
	text, err := f.render("service")
	if err != nil {
		return nil, err
	}
	_, left := replace(string(text), asked)
	for _, p := range left {
		if unitKey(p.key) {
			f.UnitSettings = append(f.UnitSettings, p)
		} else {
			f.ServiceSettings = append(f.ServiceSettings, p)
		}
	}
	if text, err = f.render("service"); err != nil {
		return nil, err
	}
	replaced := slices.DeleteFunc(slices.Clone(asked), func(p property) bool { return has(left, p.key) })
	whole, _ := replace(string(text), replaced)
	return []byte(whole), nil
}

func (o Options) facts(asked []property) (facts, error) {
	f := facts{Name: o.Name, Binary: o.Binary, Source: o.Source, SocketGroup: o.SocketGroup, Systemd: o.Systemd, User: o.ConfigHome != ""}
	if o.Refused != "" {
		f.Refused = assignment(RefusedVariable, o.Refused)
	}
	f.StopSeconds = int(max(o.StopTimeout, DefaultStopTimeout).Seconds())
	for _, address := range o.Listen {
		stream, err := listenStream(address)
		if err != nil {
			return f, err
		}
		f.Streams = append(f.Streams, stream)
		f.Paths = f.Paths || strings.HasPrefix(stream, "/")
	}
	var err error
	if f.Streams, f.BindIPv6Only, err = families(f.Streams); err != nil {
		return f, err
	}
	if o.StatusListen != "" {
		f.Beside = append(f.Beside, o.Name+"-"+statusKind+".socket")
	}
	if o.AgentListen != "" {
		f.Beside = append(f.Beside, o.Name+"-"+agentKind+".socket")
	}
	if o.SocketGroup != "" && !f.Paths {
		return f, fmt.Errorf("group %q: only the path of a socket has a group, and no address is a path", o.SocketGroup)
	}
	if f.Settings, err = settings(o.Run); err != nil {
		return f, err
	}
	p := protocol.Find(value(f.Settings, "protocol"))
	if p == nil { // none is given, or availd run refuses it
		p = protocol.All[0]
	}
	if p.OneSocket != "" && len(f.Streams) > 1 {
		return f, fmt.Errorf("listen on %d addresses, and %s: generate one set for each", len(f.Streams), p.OneSocket)
	}
	f.Inetd = p.PerConnection
	f.Spares = strings.Trim(value(f.Settings, "min-spare"), "0") != ""
	f.NonBlocking = o.NonBlocking || p.Polls
	f.Stored = stored(value(f.Settings, "limit"))
	f.Files, f.HardFiles = openFiles(f.Stored)
	f.DynamicUser = !has(asked, "User") || has(asked, "DynamicUser")
	f.Conf = filepath.Join(o.ConfDir, o.Name+".conf")
	f.ExecStart = commandLine(append([]string{o.Binary, "run", "--config", f.Conf, "--"}, o.Command...))
	if o.Source != "" {
		f.ExecStart = commandLine([]string{o.Binary, "run", "--config=" + o.Source})
	}
	return f, f.giveWay(o, asked)
}
