//go:build e2e

package bench

import (
	"fmt"
	"testing"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestPreload: php-cgi that reports through the shared object, the same without it, made a
// template, and PHP's own FastCGI process manager with all of its workers.
func TestPreload(t *testing.T) {
	dir := scratch(t)
	app := application{
		quick:  fastcgi(write(t, dir, "quick.php", `<?php echo "hello\n";`)),
		slow:   fastcgi(write(t, dir, "slow.php", fmt.Sprintf(`<?php usleep(%d); echo "hello\n";`, stackSleep.Microseconds()))),
		answer: "hello",
	}
	own := func(name string, more ...string) stack {
		return stack{name: name, start: func(t *testing.T, port, limit int) *rig.Server {
			return rig.StartAvaild(t, harness.Availd, port,
				append([]string{"--protocol=fastcgi", fmt.Sprint("--limit=", limit), "--retire-signal=TERM"}, more...),
				"/usr/bin/env", "PHP_FCGI_MAX_REQUESTS=0", "/usr/bin/php-cgi").Server
		}}
	}
	object := "--preload=" + harness.Preload
	preloaded, inferred, forked := own("preload", object), own("no preload"), own("template", object, "--template=preload")
	fpm := stack{name: "php-fpm static", start: func(t *testing.T, port, limit int) *rig.Server {
		return accepting(t, limit, startFPM(t, port, limit, "static"))
	}}
	stacks := []stack{preloaded, inferred, forked, fpm}
	series := rig.Series{}
	t.Run("throughput", func(t *testing.T) { steadyStacks(t, series, app, stacks) })
	there := stack{name: forked.name, start: func(t *testing.T, port, limit int) *rig.Server {
		a := rig.StartAvaild(t, harness.Availd, port, []string{
			"--protocol=fastcgi", fmt.Sprint("--limit=", limit), "--retire-signal=TERM", object, "--template=preload", leavesSoon,
		}, "/usr/bin/env", "PHP_FCGI_MAX_REQUESTS=0", "/usr/bin/php-cgi")
		return templated(t, a, port, app.quick, app.answer)
	}}
	rig.Rounds(3, []stack{there, fpm}, func(s stack) {
		t.Run("burst", func(t *testing.T) { burstStack(t, series, app, s, "burst", s.start) })
	})
	table := table(t, "Preload: php-cgi that is unchanged reports, and is forked")
	for _, s := range stacks {
		table.Figure(s.name+": supervisor's CPU a request", fmt.Sprintf("%.2f µs", series.Median(s.name, "cpu")))
		table.Figure(s.name+": memory a worker, PSS", fmt.Sprintf("%.2f MB; of the whole pool, a worker, %.2f MB", series.Median(s.name, "worker"), series.Median(s.name, "pool")))
		if failed := series.Median(s.name, "failed"); failed > 0 {
			table.Figure(s.name+": failed", fmt.Sprintf("%.0f", failed))
		}
	}
	compare := func(what, one, other, figure, unit string, least bool, bound float64) {
		figures := fmt.Sprintf("%.5g %s against %.5g %s", series.Median(one, figure), unit, series.Median(other, figure), unit)
		what = fmt.Sprintf("%s: %s against %s", what, one, other)
		if least {
			table.AtLeast(what, figures, "%v × "+other+series.Spread(one, other, figure), series.Ratio(one, other, figure), bound)
		} else {
			table.AtMost(what, figures, "%v × "+other+series.Spread(one, other, figure), series.Ratio(one, other, figure), bound)
		}
	}
	compare("throughput", preloaded.name, inferred.name, "rate", "requests/s", true, 1)
	compare("throughput", preloaded.name, fpm.name, "rate", "requests/s", true, 1)
	compare("throughput", forked.name, fpm.name, "rate", "requests/s", true, 1)
	compare("memory a worker", forked.name, fpm.name, "worker", "MB", false, 1.1)
	compare(fmt.Sprintf("p99 of a burst of %d, from a template alone against all there", burstClients), forked.name, fpm.name, "burst", "ms", false, 1)
	table.Figure("preload: supervisor's CPU a request, of 1 µs", fmt.Sprintf("%.2f µs", series.Median(preloaded.name, "cpu")))
}
