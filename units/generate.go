package units

import (
	"bytes"
	"embed"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed templates
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/*"))

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
}

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
	set := Set{Name: o.Name, ConfDir: o.ConfDir}
	for name, to := range map[string]*[]byte{"socket": &set.Socket, "service": &set.Service, "conf": &set.Conf} {
		var b bytes.Buffer
		if err := templates.ExecuteTemplate(&b, name, f); err != nil {
			return Set{}, fmt.Errorf("write %s.%s: %w", o.Name, name, err)
		}
		*to = b.Bytes()
	}
	return set, nil
}

func (o Options) facts() (facts, error) {
	f := facts{Name: o.Name, Binary: o.Binary, SocketGroup: o.SocketGroup}
	for _, address := range o.Listen {
		stream, err := listenStream(address)
		if err != nil {
			return f, err
		}
		f.Streams = append(f.Streams, stream)
		f.Paths = f.Paths || strings.HasPrefix(stream, "/")
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
	f.NonBlocking = o.NonBlocking || protocol == "notify"
	f.Home = under(o.Command[0], "/home", "/root", "/run/user")
	f.Conf = filepath.Join(o.ConfDir, o.Name+".conf")
	f.ExecStart = commandLine(append([]string{o.Binary, "run", "--config", f.Conf, "--"}, o.Command...))
	return f, nil
}
