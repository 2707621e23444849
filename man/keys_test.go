package man

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/status"
)

// keys are the names of a document's fields in JSON, those below them too.
func keys(t reflect.Type) (names []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(append(names, name), keys(t.Field(i).Type)...)
		}
	}
	return names
}

var keyInPage = regexp.MustCompile(`(?m)^\.(?:It )?Li (\w+)`)

// TestKeys compares the keys of the status document with availd-status(1).
func TestKeys(t *testing.T) {
	_, page, _ := strings.Cut(section(t, "availd-status.1", "DESCRIPTION"), "\n.Ss JSON\n")
	page, _, _ = strings.Cut(page, "\n.Ss ")
	var explained []string
	for _, m := range keyInPage.FindAllStringSubmatch(page, -1) {
		explained = append(explained, m[1])
	}
	want := keys(reflect.TypeFor[status.Service]())
	if len(want) < 40 {
		t.Fatalf("only the keys %q are found", want)
	}
	for _, list := range []*[]string{&explained, &want} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if !slices.Equal(explained, want) {
		t.Errorf("the page explains\n%q, the document has\n%q", explained, want)
	}
}
