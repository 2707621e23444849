package event

// Messages about the service as a whole: how it starts, changes and stops.
var (
	Adopted = &Message{
		Event: "adopted", Level: levelInfo,
		Text:  "{workers worker} of an earlier availd adopted, {working} busy: they go on serving; after a crash of availd see above how it ended",
		Means: "The availd before this one has ended and left its workers, which count against the limit. No client has noticed.",
		Do:    "Nothing has to be done after a restart or an update. After a crash the service manager's lines above say how the earlier availd ended.",
	}
	Orphans = &Message{
		Event: "adopted", Reason: "orphans", Level: levelWarn,
		Text:  "{workers worker} of a killed availd hold an address of listen= (--listen) and cannot be adopted: they are asked to retire, and the start waits for them; find what killed availd",
		Means: "Without a service manager nobody keeps the socket, and this kernel does not let availd take it over.",
		Do:    "Nothing has to be done. With a socket unit the service manager keeps the socket, and such workers are adopted.",
	}
	Upgrading = &Message{
		Event: "upgrading", Level: levelInfo,
		Text:  "executing {path} in place of the running availd",
		Means: "The installed program was tried, and takes over now.",
	}
	Upgraded = &Message{
		Event: "upgraded", Level: levelInfo,
		Text:  "upgraded in place to {version} with {workers worker}, {working} busy",
		Means: "No client has noticed.",
	}
	UpgradeRefused = &Message{
		Event: "upgrade_refused", Level: levelError,
		Text:  "not upgraded, the running availd continues: {cause}; fix the installed program, then upgrade again",
		Means: "The installed program cannot take over; nothing has changed, and no worker or client has noticed.",
		Do:    "Fix what the cause names, such as a package that is half installed, then `availd upgrade NAME`. If the new version does not understand the state of the running one, restart the service when it suits.",
	}
	UpgradePostponed = &Message{
		Event: "upgrade_refused", Reason: "later", Level: levelError,
		Text:  "not upgraded now, the running availd continues: {cause}; upgrade again later",
		Means: "The service is being stopped, or connections that it has accepted wait for a worker.",
		Do:    "`availd upgrade NAME` again later.",
	}
	UpgradeIgnored = &Message{
		Event: "upgrade_refused", Reason: "stop", Level: levelInfo,
		Text:  "the upgrade is ignored: {cause}",
		Means: "The next start runs the installed program.",
	}
	Reloading = &Message{
		Event: "reloading", Level: levelInfo,
		Text:  "the configuration is read: one new worker is tested, then the others are replaced",
		Means: "The beginning of a reload.",
	}
	Reloaded = &Message{
		Event: "reloaded", Level: levelInfo,
		Text:  "reloaded: {workers older worker} replaced or asked to retire",
		Means: "The end of a reload.",
	}
	ReloadedSessions = &Message{
		Event: "reloaded", Reason: "sessions", Level: levelInfo,
		Text:  "reloaded: new connections are served by the new options, and running sessions go on",
		Means: "The same with `protocol=inetd`.",
	}
	ReloadWaits = &Message{
		Event: "reloaded", Reason: "waits", Level: levelWarn,
		Text: "the reload waits, as none of {workers worker} that were asked to retire has exited to make room for a test of the new ones: the old configuration is in use until one does; set retire-timeout= (--retire-timeout), or raise limit= (--limit)",
		Means: "The pool is at its limit, and half a minute after the reload none of the workers that were asked to exit has: their sessions last, or they ignore the signal. " +
			"Whoever asked for the reload is told that it has failed; it goes on nevertheless.",
		Do: "`retire-timeout=` bounds the time, and a higher `limit=` makes room at once.",
	}
	ReloadRefused = &Message{
		Event: "reload_refused", Level: levelError,
		Text:  "the configuration is not reloaded, the old one stays in force: {cause}; fix it and reload again",
		Means: "Nothing has changed. The cause names the file and the line.",
		Do:    "Fix the line that the cause names, then `systemctl reload NAME`. An option that cannot change in a running service needs `systemctl restart NAME`.",
	}
	ReloadIgnored = &Message{
		Event: "reload_refused", Reason: "stop", Level: levelInfo,
		Text:  "the reload is ignored: {cause}",
		Means: "The next start reads the configuration.",
	}
	ReloadFailed = &Message{
		Event: "roll_out_stopped", Level: levelError,
		Text:  "the reload has failed, and the older workers go on serving: {cause}; fix the cause and reload again",
		Means: "A new worker has failed, so the rolling restart is stopped and the workers that were not replaced yet go on.",
		Do:    "The new version of the program or its configuration fails: fix it or go back to the old one, then reload.",
	}
	ReloadFailedAll = &Message{
		Event: "roll_out_stopped", Reason: "none_left", Level: levelError,
		Text:  "the reload has failed, and no older worker is left to serve clients: {cause}; fix the cause and reload again",
		Means: "The same, where no older worker was running.",
		Do:    "The new version of the program or its configuration fails: fix it or go back to the old one, then reload.",
	}
	Stopping = &Message{
		Event: "stopping", Level: levelInfo,
		Text:  "the service stops on {signal}: {workers worker} may finish requests",
		Means: "The beginning of a stop: workers get the retire signal, and after `stop-timeout=` SIGKILL.",
	}
	StoppingNow = &Message{
		Event: "stopping", Reason: "again", Level: levelWarn,
		Text:  "{signal} again: the remaining workers are killed, and their clients lose their connections",
		Means: "A second signal to stop does not wait.",
	}
	TerminalGone = &Message{
		Event: "stopping", Reason: "terminal", Level: levelInfo,
		Text:  "SIGHUP, the terminal is gone: the service stops",
		Means: "availd was started by hand. Under a service manager SIGHUP is a reload.",
	}
	LeftBehind = &Message{
		Event: "stopping", Reason: "left_behind", Level: levelError,
		Text:  "{workers worker} still there five seconds after SIGKILL: the stop does not wait for them; see what they wait for (state D of ps, a dead file server)",
		Means: "The kernel does not let SIGKILL end a process that waits for a dead file server or a broken disk.",
		Do:    "They end when the file server or the disk answers. Until then they hold memory and open files.",
	}
	IdleExit = &Message{
		Event: "stopping", Reason: "idle", Level: levelInfo,
		Text:  "idle for exit-idle-time= (--exit-idle-time), {took}: availd exits, and the next connection starts the service again",
		Means: "The socket unit keeps listening.",
	}
	ServiceStopped = &Message{
		Event: "stopping", Reason: "stopped", Level: levelInfo,
		Text:  "stopped",
		Means: "The end of a stop.",
	}
	SignalIgnored = &Message{
		Event: "internal", Reason: "signal", Level: levelInfo,
		Text:  "signal {signal} is ignored; those that availd knows are in SIGNALS of availd(8)",
		Means: "SIGTERM stops, SIGHUP reloads, SIGUSR2 upgrades.",
	}
	MessagesLeftOut = &Message{
		Level: levelWarn,
		Text:  "{left_out more message} of event {kind} in {seconds second}: left out to keep the journal readable",
		Means: "Of each event ten messages are written in ten seconds.",
	}
	MessagesLost = &Message{
		Level: levelWarn,
		Text:  "{left_out message} lost: the log did not take them in time; check journald, or the reader of standard error",
		Means: "availd does not wait for whatever reads its messages.",
	}
)
