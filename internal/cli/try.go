package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/startlimit"
	"github.com/availd/availd/internal/try"
	"github.com/availd/availd/spawn"
	"github.com/availd/availd/units"
)

func tryCommand() *cli.Command {
	return &cli.Command{
		Name: "try", Usage: "find out by trial which protocol and options a program wants",
		UsageText:       "availd try [--format=text|json] [--patience=DUR] [--user=NAME] -- COMMAND [ARG…]",
		HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "text", Usage: "show as `FORMAT`: text or json"},
			&cli.StringFlag{Name: "patience", Value: "5s", Usage: "wait `DUR` for the program to be ready, in each way"},
			&cli.StringFlag{Name: "user", Usage: "run the program as the user `NAME`", DefaultText: "the present one"},
		},
		Action: tryProgram,
	}
}

func tryProgram(c *cli.Context) error {
	command := c.Args().Slice()
	patience, err := config.ParseSpan(c.String("patience"))
	switch format := c.String("format"); {
	case format != "text" && format != "json":
		return usage("--format=%s: accepted: text, json", format)
	case err != nil || patience <= 0 || patience > time.Hour:
		return usage("--patience=%s: accepted: a time span such as 3s, up to 1h", c.String("patience"))
	case len(command) == 0:
		return usage("COMMAND is missing: availd try -- COMMAND [ARG…]")
	case !followsDashes(os.Args, command):
		return usage("COMMAND must follow --, so that its options are not taken for availd's: availd try -- %s", strings.Join(command, " "))
	case c.String("user") != "":
		return tryAs(c, command)
	}
	path, err := spawn.Find(command[0])
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitConfig, Err: err}
	}
	executable, err := givenExecutable()
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	o := try.Options{Path: path, Command: command, Executable: executable, Patience: patience, Object: daemon.PreloadObject(executable)}
	o.Descriptors.Cur, o.Descriptors.Max = startlimit.Descriptors()
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer cancel()
	out, err := try.Run(ctx, o)
	switch {
	case ctx.Err() != nil:
		return &daemon.Exit{Status: 1, Err: errors.New("the trial was ended by a signal; nothing is left of it")}
	case err != nil:
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	if err := showTrial(c, path, command, out); err != nil {
		return err
	}
	if out.Advice.Protocol == nil {
		return &daemon.Exit{Status: 1}
	}
	return nil
}

// tryAs has another process of this program, as another user, do it.
func tryAs(c *cli.Context, command []string) error {
	u, err := user.Lookup(c.String("user"))
	if err != nil {
		return usage("--user=%s: there is no such user", c.String("user"))
	}
	if os.Geteuid() != 0 {
		return usage("--user=%s: only root can become another user", c.String("user"))
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32) // numbers, on Linux
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	ids, _ := u.GroupIds() // none but the own where they cannot be told
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			credential.Groups = append(credential.Groups, uint32(n))
		}
	}
	args := []string{"try", "--format=" + c.String("format"), "--patience=" + c.String("patience"), "--"}
	cmd := exec.Command("/proc/self/exe", append(args, command...)...) // wherever it lies
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, c.App.Writer, c.App.ErrWriter
	cmd.Env = append(os.Environ(), "HOME="+u.HomeDir, "USER="+u.Username, "LOGNAME="+u.Username)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Pdeathsig: unix.SIGTERM}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &daemon.Exit{Status: max(1, exit.ExitCode())}
	}
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	return nil
}

func showTrial(c *cli.Context, path string, command []string, out try.Outcome) error {
	line := unitsLine(path, command, out.Advice)
	if c.String("format") == "json" {
		text, _ := json.MarshalIndent(struct {
			try.Outcome
			Units string `json:"units,omitempty"`
		}{out, line}, "", "  ")
		_, err := fmt.Fprintln(c.App.Writer, string(text))
		return err
	}
	var b strings.Builder
	for _, s := range out.Seen {
		writeSeen(&b, s)
	}
	a := out.Advice
	if a.Protocol == nil {
		fmt.Fprintf(&b, "\nno protocol: %s\n", a.Why)
	} else {
		fmt.Fprintf(&b, "\nprotocol %s: %s\n", a.Name, a.Why)
	}
	for _, note := range a.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	if line != "" {
		fmt.Fprintf(&b, "\n%s\n", line)
	}
	_, err := io.WriteString(c.App.Writer, prose.PrintableLines(b.String()))
	return err
}

// writeSeen says what was seen in one way.
func writeSeen(b *strings.Builder, s try.Seen) {
	fmt.Fprintf(b, "as %s:\n", s.As)
	say := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	ms := func(d time.Duration) string { return fmt.Sprintf("%d ms", max(1, d.Milliseconds())) }
	switch {
	case s.Refused != "":
		say("%s", s.Refused)
	case s.Waits:
		say("waits for clients %s after its start", ms(s.Start))
	case s.Ready:
		say("says READY=1, and nothing is seen to wait for clients")
	case s.Reads:
		say("reads from its client %s after its start", ms(s.Start))
	case s.Exit == "" && s.Elsewhere == "" && s.Greeting == "":
		say("does not look at it")
	}
	if s.Greeting != "" {
		say("begins with %q", s.Greeting)
	}
	if s.Exit != "" && !s.Ends {
		say("%s after %s%s", s.Exit, ms(s.Start), colon(s.Output))
	}
	if s.Elsewhere != "" {
		say("listens on %s itself", s.Elsewhere)
	}
	if s.Background {
		say("leaves a process in the background")
	}
	if s.Processes > 0 {
		say("%s, %s, %s, %.1f MB for itself", plural(s.Processes, "process", "processes"), plural(s.Threads, "thread", "threads"),
			plural(s.Files, "descriptor", "descriptors"), float64(s.Memory)/1e6)
	}
	if s.Ready || s.Reports {
		say("reports: READY=1 %s, busy and idle %s", yesNo(s.Ready), yesNo(s.Reports))
	}
	if s.Answer != "" {
		say("answers %s in %s", s.Answer, ms(s.Took))
	}
	if s.Holds > 1 {
		say("takes %d silent clients at once", s.Holds)
	}
	if s.Ends {
		say("ends when its client leaves")
	}
	switch s.Term {
	case try.Finishes:
		say("SIGTERM during a request: the request is finished, then it ends")
	case try.Dies:
		say("SIGTERM during a request: the client loses its connection")
	case try.Ignores:
		say("SIGTERM during a request: the request is finished, and it goes on")
	}
	if s.Preload.Tried {
		say("--preload: requests counted %s; as forks of a template %s", yesNo(s.Preload.Counts), yesNo(s.Preload.Template))
	}
}

func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// unitsLine is the command that writes units for the program.
func unitsLine(path string, command []string, a try.Advice) string {
	if a.Protocol == nil {
		return ""
	}
	name := try.NameOf(append([]string{path}, command[1:]...))
	listen := []string{"--listen", "127.0.0.1:8080"}
	if a.Protocol.OneSocket != "" {
		listen = []string{"--listen", "/run/" + name + ".sock", "--socket-group", "www-data"}
	}
	words := slices.Concat([]string{"availd", "units"}, listen, []string{"--protocol", a.Name}, a.Options, []string{name, "--", filepath.Clean(path)}, command[1:])
	for i, w := range words {
		words[i] = units.ShellWord(w)
	}
	return strings.Join(words, " ")
}
