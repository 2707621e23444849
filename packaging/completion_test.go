package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/testutil"
)

// shells are asked what they offer for a command line, by their real completion
// systems: a script of each is given the line as its first argument.
var shells = map[string]string{
	"bash": `
		source completion/availd.bash
		read -ra COMP_WORDS <<<"$1"
		[[ $1 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_availd
		printf '%s\n' "${COMPREPLY[@]}"`,
	"fish": `
		source completion/availd.fish
		complete -C "$argv[1]"`,
	// A second zsh on a terminal of its own, where Tab is a key. What it would
	// add is written to a file.
	"zsh": `
		zmodload zsh/zpty
		zpty inner zsh -f -i
		send() { zpty -w inner "$1" }
		send "PS1= fpath=($PWD/completion \$fpath) out=$OUT"
		send 'autoload -Uz compinit && compinit -u -D'
		send 'compadd() { builtin compadd -O found "$@"; print -l -- $found >>$out; builtin compadd "$@" }'
		send 'done-completing() { print end >>$out }; zle -N done-completing; bindkey "^X" done-completing'
		send 'LISTMAX=0; bindkey "^I" list-choices'
		zpty -w -n inner "$1"$'\t\x18'
		for ((i = 0; i < 1000; i++)); do
			zpty -r -t inner line
			[[ -e $OUT ]] && grep -qx end $OUT && break
			zselect -t 2 2>/dev/null || { zmodload zsh/zselect; zselect -t 2 }
		done
		cat $OUT`,
}

// offers runs a shell's completion of line with availd in the PATH, and with the
// pools web and mail.
func offers(t *testing.T, shell, bin, line string) []string {
	t.Helper()
	run := t.TempDir()
	for _, pool := range []string{"web", "mail"} {
		if err := os.MkdirAll(filepath.Join(run, "availd", pool, "control"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), shell, "-c", shells[shell], shell, line)
	if shell == "fish" { // has no $0
		cmd = exec.CommandContext(t.Context(), shell, "--no-config", "-c", shells[shell], line)
	}
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "XDG_RUNTIME_DIR="+run, "HOME="+run, "OUT="+filepath.Join(run, "out"), "TERM=dumb")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v", shell, err)
	}
	return strings.Fields(string(out))
}

// valueCases are options whose values are words.
var valueCases = []struct {
	line      string
	want, not []string
}{
	{"availd run --protocol ", []string{"auto", "notify", "queue", "fastcgi", "inetd", "postfix"}, []string{"web"}},
	{"availd units --stress f", []string{"flag"}, []string{"off"}},
	{"availd status --format ", []string{"table", "json", "prometheus", "svg"}, []string{"web"}},
	{"availd check --format ", []string{"text", "json"}, []string{"table"}},
}

// TestCompletedValues: each word that bash offers for the value of an option of run is
// accepted.
func TestCompletedValues(t *testing.T) {
	text, err := os.ReadFile("completion/availd.bash")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\t--([a-z-]+)\).*compgen -W "([^"]+)"`).FindAllStringSubmatch(string(text), -1)
	if len(rows) < 5 {
		t.Fatalf("%d options with values are found", len(rows))
	}
	for _, row := range rows {
		if row[1] == "format" || row[1] == "color" { // of status
			continue
		}
		for _, value := range strings.Fields(row[2]) {
			settings := []config.Setting{{Name: row[1], Value: value}}
			if row[1] == "preload" { // is for some protocols only
				settings = append(settings, config.Setting{Name: "protocol", Value: "queue"})
			}
			if _, err := config.Load(settings, []string{"/bin/true"}); err != nil {
				t.Errorf("--%s %s: %v", row[1], value, err)
			}
		}
	}
}

func TestCompletion(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "availd"), "..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for shell := range shells {
		t.Run(shell, func(t *testing.T) {
			testutil.Program(t, shell)
			cases := []struct {
				line      string
				want, not []string
			}{
				{"availd ", []string{"run", "status", "top", "reload", "set", "upgrade", "units", "check", "try", "reap", "version"}, []string{"web"}},
				{"availd re", []string{"reload", "reap"}, []string{"run"}},
				{"availd run --min", []string{"--min-spare"}, []string{"--limit"}},
				{"availd units --so", []string{"--socket-group"}, nil},
				{"availd reload ", []string{"web", "mail"}, []string{"run"}},
				{"availd check w", []string{"web"}, []string{"mail"}},
				{"availd status w", []string{"web"}, []string{"mail"}},
				{"availd set ", []string{"web", "mail"}, []string{"limit="}},
				{"availd set web ", []string{"limit=", "min-spare="}, []string{"web"}},
				{"availd set web limit=4 mi", []string{"min-spare="}, []string{"limit=", "mail"}},
				{"availd try --pa", []string{"--patience"}, nil},
				{"availd top w", []string{"web"}, []string{"mail"}},
				{"availd run -- --min", nil, []string{"--min-spare"}},
			}
			if shell == "bash" { // the others say what an option takes, and leave the words to the help
				cases = append(cases, valueCases...)
			}
			for _, c := range cases {
				got := offers(t, shell, bin, c.line)
				for _, w := range c.want {
					if !slices.Contains(got, w) {
						t.Errorf("%q: %q is not offered, but %q", c.line, w, got)
					}
				}
				for _, w := range c.not {
					if slices.Contains(got, w) {
						t.Errorf("%q: %q is offered", c.line, w)
					}
				}
			}
		})
	}
}
