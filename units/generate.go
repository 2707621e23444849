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

// facts is what the templates see: words that need no further escaping.
type facts struct {
	Name, Binary, Conf, ExecStart string

	Streams     []string
	Paths       bool // one of the streams is a path
	SocketGroup string
	NonBlocking bool
	Inetd       bool // workers are born with their connection
	Home        bool // the command is in a home directory
	Settings    []setting
	Beside      []string // sockets of availd itself, which come and go with this one

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

// Generate returns the files of a service. They depend on nothing but o.
func Generate(o Options) (Set, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return Set{}, err
	}
	f, err := o.facts()
	if err != nil {
		return Set{}, err
	}
	set := Set{Name: o.Name, ConfDir: o.ConfDir, UnitDir: o.unitDir()}
	for name, to := range map[string]*[]byte{"socket": &set.Socket, "conf": &set.Conf} {
		if *to, err = f.render(name); err != nil {
			return Set{}, err
		}
	}
	if set.Status, set.Agent, err = f.ownSockets(o); err != nil {
		return Set{}, err
	}
	asked, err := properties(o.Properties)
	if err != nil {
		return Set{}, err
	}
	set.Service, err = f.service(asked)
	return set, err
}

func (f facts) render(name string) ([]byte, error) { return render(name, f.Name+"."+name, f) }

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
	f.DynamicUser = !has(asked, "User") || has(asked, "DynamicUser")
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

func (o Options) facts() (facts, error) {
	f := facts{Name: o.Name, Binary: o.Binary, SocketGroup: o.SocketGroup, Systemd: o.Systemd, User: o.ConfigHome != ""}
	f.StopSeconds = int(max(o.StopTimeout, DefaultStopTimeout).Seconds())
	for _, address := range o.Listen {
		stream, err := listenStream(address)
		if err != nil {
			return f, err
		}
		f.Streams = append(f.Streams, stream)
		f.Paths = f.Paths || strings.HasPrefix(stream, "/")
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
	var err error
	if f.Settings, err = settings(o.Run); err != nil {
		return f, err
	}
	protocol := value(f.Settings, "protocol")
	if protocol == "fastcgi" && len(f.Streams) > 1 {
		return f, fmt.Errorf("listen on %d addresses: a fastcgi worker has one socket, generate one set for each", len(f.Streams))
	}
	f.Inetd = protocol == "inetd"
	f.Spares = strings.Trim(value(f.Settings, "min-spare"), "0") != ""
	f.NonBlocking = o.NonBlocking || protocol == "notify"
	f.Home = slices.ContainsFunc(o.Command, func(word string) bool { return under(word, "/home", "/root", "/run/user") })
	f.Conf = filepath.Join(o.ConfDir, o.Name+".conf")
	f.ExecStart = commandLine(append([]string{o.Binary, "run", "--config", f.Conf, "--"}, o.Command...))
	return f, nil
}
