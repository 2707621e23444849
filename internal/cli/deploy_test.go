package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// deployCase is one deploy of a broken revision.
type deployCase struct {
	how, does, rate, way string
}

func (c deployCase) name() string {
	return strings.ReplaceAll(strings.Join([]string{c.how, c.does, c.rate, c.way}, "/"), " ", "_")
}

// deployCases are all of them: how workers report, what the revision does, how many
// clients come, and by what it is deployed. Of the ways each has one, in turn.
func deployCases() (list []deployCase) {
	ways := []string{"link", "file", "configuration"}
	for _, how := range []string{"notify", "board", "auto", "queue", "fastcgi", "postfix"} {
		for _, does := range []string{
			"exits 0s", "exits 50ms", "exits 100ms", "exits 500ms", "exits 700ms", "exits 1600ms", "exits 2s", "request", "deaf", "closes", "computes", "stops",
		} {
			for _, rate := range []string{"0", "1", "10", "40", "limit"} {
				if does == "request" && rate == "0" {
					continue // nobody is there to find out
				}
				list = append(list, deployCase{how, does, rate, ways[len(list)%len(ways)]})
			}
		}
	}
	return list
}

// TestDeployBroken deploys revisions that do not work: each reload fails and says why,
// the older workers go on serving, and no request is lost, but for the one that shows
// that a revision crashes at requests. AVAILD_DEPLOYS=all tries all cases.
func TestDeployBroken(t *testing.T) {
	all := os.Getenv("AVAILD_DEPLOYS") == "all"
	for i, c := range deployCases() {
		if !all && i%37 != 0 {
			continue
		}
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c deployCase) run(t *testing.T) {
	const limit = 4
	s := deploy(t, c.how, limit)
	takes := 5 * time.Millisecond
	s.come(c.rate, limit, takes)
	switch c.way {
	case "link":
		s.release("2", c.does)
		s.link("2")
	case "configuration":
		s.write("conf", fmt.Sprintf("limit=%d\nidle-timeout=50s\n", limit))
		fallthrough
	default:
		s.write("r1/revision", "2 "+c.does)
	}
	said, status, took := s.reload()
	if status == 0 || !strings.Contains(said, "worker") {
		t.Errorf("the reload ended with status %d after %v: %s", status, took, said)
	}
	for range 4 { // the older ones serve
		words, err := s.ask(takes)
		if err != nil || words[0] != "1" {
			t.Errorf("after the reload: %q, %v", words, err)
		}
	}
	s.rest()
	allowed := int64(0)
	if c.does == "request" {
		allowed = 1
	}
	if n := s.lost.Load(); n > allowed {
		t.Errorf("%d requests lost, %d served:\n%s", n, s.served.Load(), s.said())
	}
	t.Logf("%v, %d served, %d lost: %s", took.Round(time.Millisecond), s.served.Load(), s.lost.Load(), strings.TrimSpace(said))
}

// come brings the clients. At all but the lowest rates all workers that the limit
// allows have served before: one that is started for a client between the change of a
// file and the reload is of the new revision, and no reload has to do with it.
func (s *deployed) come(rate string, limit int, takes time.Duration) {
	s.t.Helper()
	switch rate {
	case "0":
		s.count(takes)
		return
	case "1":
		s.count(takes)
	default:
		var crowd sync.WaitGroup
		for range limit {
			crowd.Go(func() {
				for s.workers() < limit {
					s.count(50 * time.Millisecond)
				}
			})
		}
		crowd.Wait()
	}
	if rate == "limit" {
		s.crowd(limit, 20*time.Millisecond)
		return
	}
	n, _ := strconv.ParseFloat(rate, 64)
	s.load(n, takes)
}

// TestDeployGood deploys revisions that work: nothing is lost, and all workers are of
// the new one in the end.
func TestDeployGood(t *testing.T) {
	n := 0
	for _, how := range []string{"notify", "board", "auto", "queue", "fastcgi", "postfix"} {
		for _, rate := range []string{"0", "1", "10", "40", "limit"} {
			if n++; os.Getenv("AVAILD_DEPLOYS") != "all" && n%4 != 0 {
				continue
			}
			t.Run(how+"/"+rate, func(t *testing.T) {
				t.Parallel()
				deployGood(t, how, rate)
			})
		}
	}
}

func deployGood(t *testing.T, how, rate string) {
	const limit = 4
	s := deploy(t, how, limit)
	takes := 5 * time.Millisecond
	s.come(rate, limit, takes)
	s.release("2", "good")
	s.link("2")
	said, status, took := s.reload()
	if status != 0 {
		t.Errorf("the reload ended with status %d after %v: %s", status, took, said)
	}
	for old := 0; ; old++ { // those that are asked finish what they hold
		words, err := s.ask(takes)
		if err != nil || old > 100 {
			t.Fatalf("after the reload: %q, %v", words, err)
		}
		if words[0] == "2" {
			break
		}
	}
	s.rest()
	if n := s.lost.Load(); n > 0 {
		t.Errorf("%d requests lost, %d served:\n%s", n, s.served.Load(), s.said())
	}
	t.Logf("%v, %d served: %s", took.Round(time.Millisecond), s.served.Load(), strings.TrimSpace(said))
}
