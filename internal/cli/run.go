package cli

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/startlimit"
	"github.com/availd/availd/units"
)

func runCommand() *cli.Command {
	var settings []config.Setting
	return &cli.Command{
		Name:            "run",
		Usage:           "run a worker pool (for ExecStart=)",
		UsageText:       "availd run [OPTIONS] -- COMMAND [ARG…]\navaild run [OPTIONS] --config FILE",
		HideHelpCommand: true,
		Flags:           config.Flags(&settings),
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return serve(func(*daemon.HeldReports) error { return optionError(settings, err) })
		},
		Action: func(c *cli.Context) error {
			return serve(func(held *daemon.HeldReports) error { return run(settings, c.Args().Slice(), held) })
		},
	}
}

// optionError prefers our own words for a bad value to those of the flag
// package, and helps with a misspelt option.
func optionError(settings []config.Setting, err error) error {
	if _, ours := config.Load(settings, []string{"command"}); ours != nil {
		return &daemon.Exit{Status: daemon.ExitUsage, Err: ours}
	}
	if name, ok := undefined(err); ok {
		if near := config.Nearest(name); near != "" {
			return usage("--%s: unknown option, did you mean --%s?", name, near)
		}
	}
	return usage("%s; try availd run --help", complaint(err))
}

func run(settings []config.Setting, command []string, held *daemon.HeldReports) error {
	if !followsDashes(os.Args, command) {
		return usage("COMMAND must follow --, so that its options are not taken for availd's: availd run [OPTIONS] -- %s",
			strings.Join(command, " "))
	}
	if err := daemon.CheckProc(); err != nil {
		return err
	}
	if why := os.Getenv(units.RefusedVariable); why != "" {
		return &daemon.Exit{Status: daemon.ExitConfig, Err: errors.New(why + "; fix it, then systemctl daemon-reload")}
	}
	executable, err := givenExecutable()
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	options := daemon.Options{
		Settings: settings, Command: command, Version: buildVersion(), Executable: executable, HeldReports: held,
		// What availd was started with cannot be seen any more: Go's runtime has
		// installed its own handler. A service manager ignores SIGPIPE unless it is
		// told otherwise (IgnoreSIGPIPE= of systemd.exec(5)); nobody else does.
		IgnoreSIGPIPE: os.Getenv("NOTIFY_SOCKET") != "",
	}
	options.OwnDescriptors.Cur, options.OwnDescriptors.Max = startlimit.Descriptors()
	options.Descriptors = workerFiles(os.Getenv(ownFiles))
	if isTrial, err := daemon.Trial(options); isTrial {
		return err
	}
	notifier, err := notifier()
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	return daemon.Run(options, notifier)
}

// ownFiles is the variable in which a unit says which soft LimitNOFILE= is for availd
// alone: systemd needs room for the descriptors that it stores.
const ownFiles = "AVAILD_OWN_NOFILE"

// defaultFiles is the soft limit of a service whose unit says none (DefaultLimitNOFILE=,
// systemd-system.conf(5)), and the most that select(2) can use.
const defaultFiles = 1024

// workerFiles is RLIMIT_NOFILE of the workers: what availd was started with; where that
// is the soft limit of availd alone, the default one.
func workerFiles(own string) (limit unix.Rlimit) {
	limit.Cur, limit.Max = startlimit.Descriptors()
	if n, err := strconv.ParseUint(own, 10, 64); err == nil && n == limit.Cur {
		limit.Cur = min(defaultFiles, limit.Max)
	}
	return limit
}

// followsDashes reports whether command, the end of args, comes right after --.
// One that does not has taken what follows it, options of ours among them.
func followsDashes(args, command []string) bool {
	before := len(args) - len(command)
	return len(command) == 0 || before > 0 && args[before-1] == "--"
}

// serve runs the service. If it does not come up, the service manager is told why and the
// process is held back, so that a standing error is one attempt in a while.
func serve(run func(*daemon.HeldReports) error) error {
	held := daemon.FindHeldReports()
	defer held.Close()
	err := run(held)
	var exit *daemon.Exit
	if errors.As(err, &exit) {
		holdBack(exit, held)
	}
	return err
}
