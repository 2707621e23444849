package event

// Section is a part of the table, as the manual shows it.
type Section struct {
	Title    string
	Messages []*Message
}

// Sections returns the table, in the order of the manual.
func Sections() []Section { return table }

var table = []Section{
	{"Workers and their limit", []*Message{
		Full, FullEnds, StressBegins, StressBeginsForNew, StressEnds,
		Throttled, Shortage, ThrottleEnds,
		LimitTasks, LimitDescriptors, LimitProcesses, LimitMemory, StoreLimit, StoreSize,
	}},
	{"Sockets and connections", []*Message{
		SocketIgnored, NoneAccepted, SocketAgain, SocketDead, SocketAnew, SocketLeaving, PathGone, PathAnew, SourceFull, NoWorkerInTime, NoWorkerAtStop,
	}},
	{"One worker", []*Message{
		WorkerFailed, WorkerCrashed, WorkersCrashed, WorkerStopped, WorkerInBackground,
		NotReady, NotExecuted, BusyTimeout, WatchdogMissed, WatchdogTriggered, RetireTimeout, RetireIgnored, StopTimeout, KilledAtOnce,
		SlowRequest, SlowSignalUnhandled, WorkerLarge,
		Suspect, ReportRejected, StrangerRejected, QuiesceDenied,
		PreloadNotLoaded, PreloadNeverWaits, PreloadClients, PreloadThreads, PreloadClosed,
		Starts, Retires, Ended, StartNotExecuted,
	}},
	{"Templates", []*Message{
		TemplateFailed, TemplateEnded, NotForked, ForkGivenUp, TemplateThreads, TemplateNeverAccepts, TemplateInterpreter, TemplateConnections, NoGroup,
		PacketRejected, TemplateUnheard, TemplateLost, TemplateStarts, TemplateReady, TemplateIdle,
	}},
	{"Reload, upgrade, start and stop", []*Message{
		Reloading, Reloaded, ReloadedSessions, ReloadFailed, ReloadFailedAll, ReloadWaits, ReloadRefused, ReloadIgnored,
		SetValue, SetKept, SetTakenBack, SetOutdated, SetUnfit,
		Upgrading, Upgraded, UpgradeRefused, UpgradePostponed, UpgradeIgnored,
		Adopted, Orphans,
		Stopping, StoppingNow, TerminalGone, LeftBehind, IdleExit, ServiceStopped,
	}},
	{"Faults of the system", []*Message{
		StateLost, HistoryLost, NoHistory, ReportsLost, ControlLost, BoardLost, NoBoard, NoBoardToPreload, NoControl, NotServed, SocketNames, WatchdogIgnored,
		ManagerUntold, SlowStarts, NotRecorded, ReportsUnreadable, NotCollected, NotSignalled, ManagerSilent, NotAsked, ChannelKept,
		PidfdKept, EndUnknown, EndUnwatched, SocketUnwatched, SignalIgnored,
	}},
	{"Messages that are not written", []*Message{MessagesLeftOut, MessagesLost}},
}

// Find returns the message of an event and a reason. Where a reason is that of a cause, it
// is the first message of the event; nil: there is no such event.
func Find(event, reason string) *Message {
	var first *Message
	for _, section := range table {
		for _, m := range section.Messages {
			switch {
			case m.Event != event || event == "":
			case m.Reason == reason:
				return m
			case first == nil:
				first = m
			}
		}
	}
	return first
}
