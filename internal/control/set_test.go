package control

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/availd/availd/internal/status"
)

// TestSet: lines go to the service as they are, and its answer comes back fit to be shown.
func TestSet(t *testing.T) {
	var got string
	path := serving(t, Service{Set: func(_ context.Context, lines string) (Change, error) {
		got = lines
		if lines == "limit=x\n" {
			return Change{}, errors.New("limit=x: \x1b[2Jno")
		}
		return Change{Set: []status.Set{{Option: "limit", Value: "4\x1b", Configured: "9"}}, Warnings: []string{"a\nb"}}, nil
	}}, true, patience)
	c := Client{Path: path}
	change, err := c.Set(t.Context(), "limit=4\nmin-spare=\n")
	if err != nil || got != "limit=4\nmin-spare=\n" {
		t.Fatalf("%q, %v", got, err)
	}
	if len(change.Set) != 1 || change.Set[0] != (status.Set{Option: "limit", Value: "4?", Configured: "9"}) || change.Warnings[0] != "a?b" {
		t.Errorf("%+v", change)
	}
	if _, err := c.Set(t.Context(), "limit=x\n"); err == nil || err.Error() != "limit=x: ?[2Jno" {
		t.Errorf("%v", err)
	}
	got = ""
	if _, err := c.Set(t.Context(), strings.Repeat("#", maxLines+1)); err == nil || got != "" {
		t.Errorf("%d bytes are taken: %v", maxLines+1, err)
	}
}

// TestSetNotEverywhere: who may only look cannot, and an earlier availd does not know it.
func TestSetNotEverywhere(t *testing.T) {
	path := serving(t, Service{}, false, patience)
	if _, err := (Client{Path: path}).Set(t.Context(), "limit=4\n"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}
