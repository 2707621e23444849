package daemon

import (
	"fmt"
	"hash/fnv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/policy"
)

// The descriptor store outlives a restart of the service, and with it what an
// earlier availd has learnt of its workers: whether they report, how long they take
// to start, how many a load needs, whether they have ever done well, and that their
// starts failed. All of this is about one program. The next start may run another:
// the unit was edited, or a release moved the link that the command names.

// programOf tells programs apart. It covers the command line as it is written and
// the files that its words name, whatever links lead to them: the program itself,
// and the script of an interpreter.
func (d *daemon) programOf() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q %s\n", d.path, d.cfg.Command[1:], d.cfg.Protocol)
	if d.cfg.Preloads() { // whether its workers report was learnt with the object
		fmt.Fprintf(h, "%s\n", d.cfg.Preload)
	}
	for _, word := range append([]string{d.path}, d.cfg.Command[1:]...) {
		if strings.HasPrefix(word, "-") {
			continue
		}
		var file unix.Stat_t
		if unix.Stat(word, &file) == nil && file.Mode&unix.S_IFMT == unix.S_IFREG {
			fmt.Fprintf(h, "%d %d %d %d\n", file.Dev, file.Ino, file.Size, file.Mtim.Nano())
		}
	}
	return h.Sum64()
}

// forgetOther drops from m what was learnt of another program than that of now.
// before is the record that m was read from. Workers of the other program may still
// live: what is known of those stays until a start finds none of them.
func (d *daemon) forgetOther(m *policy.Memory, before state.Service, living bool) {
	now := d.programOf()
	same := before.Program == now
	if before.Program == 0 { // written by an availd that knew only the whole command
		same = before.Command == d.fingerprint
	}
	d.program = now
	if same {
		return
	}
	m.ForgetProgram(living)
	if living { // a later start, without them, is to forget the rest
		d.program = before.Program
	}
}
