// Package survey gathers the facts about a service that package check judges: its unit
// files, its configuration, what systemd says of it, and how the machine looks to it.
//
// It changes nothing. As root it has systemd run availd for a moment in the confinement of
// the service, so that the paths are looked at as the service will see them; anybody else
// goes by the modes of files.
//
// # Diagnostics
//
// A fact that cannot be had is missing, and so no finding. An error says that there is no
// such service, or that a file cannot be read.
package survey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/check"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/manager"
)

// ErrNoService says that systemd knows no service of that name.
var ErrNoService = errors.New("systemd knows no such service")

// numbers are the limits that systemd works out, and what is asked of a service beside
// them.
var numbers = []string{"TasksMax", "LimitNOFILE", "LimitNOFILESoft", "LimitNPROC", "MemoryMax", "FileDescriptorStoreMax"}

// Service is a service that systemd knows, by the name of its unit, with .service or
// without.
func Service(name string, user bool) (check.Facts, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	base := strings.TrimSuffix(strings.TrimSuffix(name, ".service"), ".socket")
	f := check.Facts{Name: base}
	asked := append([]string{"Id", "LoadState", "FragmentPath", "DropInPaths", "TriggeredBy", "Triggers", "ActiveState", "SubState", "Result", "ExecMainStatus", "NeedDaemonReload", "UnitFileState"}, numbers...)
	// The socket first: systemd tells what activates a service of the units that it has
	// read.
	shown, err := manager.ShowAll(ctx, user, []string{base + ".socket", base + ".service"}, asked...)
	if err != nil {
		return f, err
	}
	i := slices.IndexFunc(shown, func(p map[string]string) bool { return p["Id"] == base+".service" })
	if i < 0 || shown[i]["LoadState"] == "not-found" {
		return f, fmt.Errorf("%s.service: %w", base, ErrNoService)
	}
	service := shown[i]
	if f.Service, err = unitOf(service); err != nil {
		return f, err
	}
	f.State = &check.State{
		Active: service["ActiveState"], Sub: service["SubState"], Result: service["Result"],
		NeedsReload: service["NeedDaemonReload"] == "yes", Sockets: map[string]check.SocketState{},
	}
	f.State.ExitStatus, _ = strconv.Atoi(service["ExecMainStatus"]) // 0 where there is none
	names := strings.Fields(service["TriggeredBy"])
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".socket") })
	if len(names) > 0 {
		if shown, err = manager.ShowAll(ctx, user, names, asked...); err != nil {
			return f, err
		}
		for _, p := range shown {
			u, err := unitOf(p)
			if err != nil {
				return f, err
			}
			f.Sockets = append(f.Sockets, u)
			f.State.Sockets[u.Name] = check.SocketState{Active: p["ActiveState"], Result: p["Result"], Enabled: p["UnitFileState"]}
			f.State.NeedsReload = f.State.NeedsReload || p["NeedDaemonReload"] == "yes"
		}
	}
	configure(&f, "")
	f.Machine = look(&f, user)
	return f, nil
}

// unitOf reads the files of a unit that systemd has read.
func unitOf(p map[string]string) (u check.Unit, err error) {
	u = check.Unit{Name: p["Id"], Effective: map[string]string{}}
	for _, key := range append(numbers, "UnitFileState") {
		if v, ok := p[key]; ok && v != "[not set]" {
			u.Effective[key] = v
		}
	}
	for _, file := range append([]string{p["FragmentPath"]}, strings.Fields(p["DropInPaths"])...) {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return u, err
		}
		u.Read(file, string(text))
	}
	return u, nil
}

// configure reads what the service runs, and its configuration. conf is the configuration
// file, "" for that of --config.
func configure(f *check.Facts, conf string) {
	if f.Run, f.RunErr = check.RunOf(&f.Service); f.RunErr != nil {
		return
	}
	settings := slices.Clone(f.Run.Settings)
	if conf != "" {
		settings = slices.DeleteFunc(settings, func(s config.Setting) bool { return s.Name == "config" })
		settings = append([]config.Setting{{Name: "config", Value: conf}}, settings...)
	}
	f.Config, f.ConfigErr = config.Load(settings, f.Run.Command)
	if f.ConfigErr == nil {
		f.Run.Command = f.Config.Command // it may be the file's
	}
	if f.Service.Effective["UnitFileState"] == "generated" {
		f.Service.Conf = f.Config.File
	}
	f.Config = ofUnit(f.Config)
}

// ofUnit is a configuration whose listen= is what a socket unit was made of, and not for
// availd to listen on.
func ofUnit(cfg config.Config) config.Config {
	if cfg.ListenOfUnit {
		cfg.Listen = nil
	}
	return cfg
}

// Files are services by files of theirs, which need not be where systemd looks for them:
// units, drop-ins and configurations. Nothing is asked of systemd or of this machine, as
// they may be for another one.
func Files(paths []string) (all []check.Facts, err error) {
	confs := map[string]string{}
	var services []string
	for _, path := range paths {
		path = filepath.Clean(path)
		base := strings.TrimSuffix(path, filepath.Ext(path))
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir() && strings.HasSuffix(path, ".d"): // drop-ins, which are read with their unit
			base = strings.TrimSuffix(base, filepath.Ext(base))
		case info.IsDir():
			return nil, fmt.Errorf("%s is a directory: name the files", path)
		case strings.HasSuffix(filepath.Dir(path), ".service.d") || strings.HasSuffix(filepath.Dir(path), ".socket.d"):
			base = strings.TrimSuffix(strings.TrimSuffix(filepath.Dir(path), ".service.d"), ".socket.d")
		case strings.HasSuffix(path, ".conf"):
			confs[filepath.Base(base)] = path
		case strings.HasSuffix(path, ".socket"):
			base = socketsService(path, base)
		case !strings.HasSuffix(path, ".service"):
			return nil, fmt.Errorf("%s: accepted: files with the endings .service, .socket and .conf", path)
		}
		if service := base + ".service"; !slices.Contains(services, service) && !isBackoff(service) {
			services = append(services, service)
		}
	}
	for _, service := range services {
		f, err := fromFiles(service, confs)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// isBackoff: the pause beside a service is none of availd.
func isBackoff(service string) bool {
	base, ok := strings.CutSuffix(service, "-backoff.service")
	if !ok {
		return false
	}
	_, err := os.Stat(base + ".service")
	return err == nil
}

// socketsService is the service of a socket's file, without its ending.
func socketsService(path, base string) string {
	u, err := fromFile(path)
	if err != nil {
		return base
	}
	for _, s := range u.Settings {
		if s.Key == "Service" && s.Section == "Socket" {
			base = filepath.Join(filepath.Dir(path), strings.TrimSuffix(s.Value, ".service"))
		}
	}
	return base
}

// fromFile reads the file of a unit, and the drop-ins beside it.
func fromFile(path string) (u check.Unit, err error) {
	u.Name = filepath.Base(path)
	text, err := os.ReadFile(path)
	if err != nil {
		return u, err
	}
	u.Read(path, string(text))
	dropIns, _ := filepath.Glob(path + ".d/*.conf") // in the order of their names
	for _, file := range dropIns {
		if text, err = os.ReadFile(file); err != nil {
			return u, err
		}
		u.Read(file, string(text))
	}
	return u, nil
}

func fromFiles(path string, confs map[string]string) (f check.Facts, err error) {
	f.Name = strings.TrimSuffix(filepath.Base(path), ".service")
	if f.Service, err = fromFile(path); errors.Is(err, os.ErrNotExist) && confs[f.Name] != "" {
		return onlyConf(f.Name, confs[f.Name]), nil
	}
	if err != nil {
		return f, err
	}
	sockets, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.socket"))
	for _, socket := range sockets {
		if socketsService(socket, strings.TrimSuffix(socket, ".socket"))+".service" != path {
			continue
		}
		u, err := fromFile(socket)
		if err != nil {
			return f, err
		}
		f.Sockets = append(f.Sockets, u)
	}
	conf := confs[f.Name]
	if beside := strings.TrimSuffix(path, ".service") + ".conf"; conf == "" {
		if _, err := os.Stat(beside); err == nil {
			conf = beside
		}
	}
	configure(&f, conf)
	return f, nil
}

// onlyConf is a configuration without units.
func onlyConf(name, path string) check.Facts {
	f := check.Facts{Name: name, ConfOnly: true}
	f.Run = check.Run{Settings: []config.Setting{{Name: "config", Value: path}}, Command: []string{"COMMAND"}}
	if _, whole, _ := config.ReadService(path); whole { // an error is that of Load, too
		f.Run.Command = nil
	}
	f.Config, f.ConfigErr = config.Load(f.Run.Settings, f.Run.Command)
	return f
}

// FromInside is a service by one of its own processes: what it runs, how its paths look
// from there, and what confines it as far as the service manager tells. unit is "" where
// there is none.
func FromInside(unit string, run check.Run, cfg config.Config) check.Facts {
	f := check.Facts{Name: strings.TrimSuffix(unit, ".service"), Run: run, Config: cfg}
	if unit != "" {
		f.Config = ofUnit(cfg)
		p, err := manager.Show(context.Background(), unit, "Id", "FragmentPath", "DropInPaths", "NeedDaemonReload")
		if u, unread := unitOf(p); err == nil && unread == nil && p["NeedDaemonReload"] == "no" { // files that this user may not read are no error
			f.Service = u
		}
	}
	f.Service.Name = unit
	f.Machine = &check.Machine{User: "this user", Inside: true, Paths: map[string]check.Path{}, Missing: map[string]bool{}}
	for _, n := range f.Names() {
		f.Machine.Paths[n.Path] = Look(n.Path)
	}
	return f
}
