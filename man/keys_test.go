package man

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/history"
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

// TestKeys compares the keys of the documents with availd-status(1).
func TestKeys(t *testing.T) {
	compareKeys(t, "JSON", keys(reflect.TypeFor[status.Service]()), 40)
	compareKeys(t, "History", keys(reflect.TypeFor[history.Document]()), 20)
}

// compareKeys compares those of a document, of which there are more than least, with a
// part of the page.
func compareKeys(t *testing.T, part string, want []string, least int) {
	t.Helper()
	_, page, _ := strings.Cut(section(t, "availd-status.1", "DESCRIPTION"), "\n.Ss "+part+"\n")
	page, _, _ = strings.Cut(page, "\n.Ss ")
	var explained []string
	for _, m := range keyInPage.FindAllStringSubmatch(page, -1) {
		explained = append(explained, m[1])
	}
	if len(want) < least {
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
