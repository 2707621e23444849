package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/spawn"
	"github.com/availd/availd/worker"
)

// objectName is the file of the shared object, which is installed in lib/availd of the
// directory that has availd in bin.
const objectName = "availd-preload.so"

// findPreload finds the shared object of --preload. The dynamic linker of each worker would
// only write a line about one that is missing, so that is refused here.
func (d *daemon) findPreload() error {
	if !d.cfg.Preloads() {
		// Not when a template is started: a directory that does not answer must not stop the loop.
		d.forkObject = PreloadObject(d.options.Executable)
		return nil
	}
	path := d.cfg.Preload
	if path == config.PreloadDefault || path == config.PreloadNo { // template=preload implies it
		path = installedObject(d.options.Executable)
	}
	if err := readable(path); err != nil {
		return misconfigured(fmt.Errorf("--preload: %s cannot be read (%w), so workers could not report through it: "+
			"install the package that has it, say --preload=PATH, or set preload=no", path, err))
	}
	d.object = path
	return nil
}

// installedObject is where the shared object is if it was installed with this program.
func installedObject(executable string) string {
	return filepath.Join(filepath.Dir(filepath.Dir(executable)), "lib", "availd", objectName)
}

// PreloadObject is the shared object that was installed with availd at that path, "" = there
// is none.
func PreloadObject(executable string) string {
	path := installedObject(executable)
	if readable(path) != nil {
		return ""
	}
	return path
}

// readable opens a regular file; the error is without its path.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			return at.Err
		}
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	return err
}

// withObject has the shared object loaded into a worker, before any other that the service
// has loaded, and tells it the worker's place on the board. A worker that knows the board
// must not take that place as well, so its own variables are not set.
func (d *daemon) withObject(generation uint64, h spawn.Handover, slot int) spawn.Handover {
	place := d.placeOf(generation, slot, len(h.Files))
	if d.board != nil {
		h.Files = append(slices.Clip(h.Files), d.board.FD(), d.board.WakeFD())
	}
	load := "LD_PRELOAD=" + d.object
	if others := os.Getenv("LD_PRELOAD"); others != "" {
		load += ":" + others
	}
	h.Env = append(slices.Clip(h.Env), load, place)
	if debug := os.Getenv(worker.EnvPreloadDebug); debug != "" {
		h.Env = append(h.Env, worker.EnvPreloadDebug+"="+debug)
	}
	h.PIDs = append(slices.Clip(h.PIDs), worker.EnvPreloadPID)
	return h
}

// placeOf is the variable that tells the object where the board is, from descriptor n on,
// which slot of it is the worker's, and which sockets are to be watched.
func (d *daemon) placeOf(generation uint64, slot, n int) string {
	return fmt.Sprintf("%s=%d %d %d %d %d %d", worker.EnvPreload, n, n+1, slot, generation, d.cfg.Protocol.FirstSocket, len(d.sockets.Workers))
}
