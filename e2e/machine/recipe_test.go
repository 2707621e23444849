package machine

import (
	"strings"
	"testing"
)

func TestRecipeKey(t *testing.T) {
	base := Base("bookworm")
	other := Base("trixie")
	more := base
	more.Packages = append([]string{"postfix"}, base.Packages...)
	layer := Recipe{Name: "programs", Suite: "bookworm", Base: &base, Packages: []string{"postfix"}}
	layerOnMore := layer
	layerOnMore.Base = &more

	seen := map[string]bool{}
	for _, r := range []Recipe{base, other, more, layer, layerOnMore} {
		key := r.Key()
		if seen[key] {
			t.Errorf("key %s twice", key)
		}
		seen[key] = true
		if !strings.HasPrefix(key, r.Suite+"-"+r.Name+"-") || strings.ContainsAny(key, "/ ") {
			t.Errorf("key %q is no file name that tells suite and name", key)
		}
	}
	if again := Base("bookworm"); again.Key() != base.Key() {
		t.Errorf("equal recipes, keys %s and %s", base.Key(), again.Key())
	}
}
