package units

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/availd/availd/internal/prose"
)

// knownSystemd is the version of systemd whose settings the two lists hold, with
// those of all versions from OldestSystemd on. They are what
// "systemd --dump-configuration-items" prints for [Unit] and for [Service]; a
// setting that it names for both is of [Unit], where systemd wants it today.
const knownSystemd = 257

//go:embed directives/Unit
var unitDirectives string

//go:embed directives/Service
var serviceDirectives string

// directives are the settings by section.
var directives = sync.OnceValue(func() (all struct{ unit, service []string }) {
	all.unit, all.service = strings.Fields(unitDirectives), strings.Fields(serviceDirectives)
	return all
})

// unitKey reports whether a setting belongs to [Unit] (systemd.unit(5)).
func unitKey(key string) bool { return slices.Contains(directives().unit, key) }

// checkKey refuses a setting that no systemd knows, because systemd itself only
// warns and goes on without it. For a systemd that is newer than the lists a name
// that resembles none of them may be one of its new settings.
func checkKey(word, key string, systemd int) error {
	d := directives()
	if slices.Contains(d.unit, key) || slices.Contains(d.service, key) {
		return nil
	}
	if near := prose.Nearest(key, slices.Concat(d.service, d.unit)); near != "" {
		return fmt.Errorf("property %q: [Service] and [Unit] have no %s=, did you mean %s=?", word, key, near)
	}
	if systemd > knownSystemd {
		return nil
	}
	return fmt.Errorf("property %q: [Service] and [Unit] have no %s=; systemd.directives(7) lists all settings", word, key)
}
