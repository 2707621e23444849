package event

// Messages about values that availd set has given to options.
var (
	SetValue = &Message{
		Event: "set", Level: levelInfo,
		Text:  "{option}={set_to} by availd set, in place of {configured}: it is in force until the service stops or the option changes in the configuration; availd set takes it back with {option}=",
		Means: "Somebody who may use the control socket has changed the option. No worker is replaced; those above a lower limit exit when they have finished. A reload, a crash and an upgrade of availd leave the value as it is, a stop or restart of the service ends it.",
		Do:    "Write the value into the configuration if it is to stay.",
	}
	SetKept = &Message{
		Event: "set", Reason: "kept", Level: levelInfo,
		Text:  "{option}={set_to} by availd set goes on, in place of {configured}: availd has started again, and the service has not stopped; availd set takes it back with {option}=",
		Means: "The value has outlived a crash or an upgrade of availd.",
		Do:    "Write the value into the configuration if it is to stay.",
	}
	SetTakenBack = &Message{
		Event: "set", Reason: "taken_back", Level: levelInfo,
		Text:  "{option}={set_to} as configured: {was} of availd set is taken back",
		Means: "`availd set` without a value does this.",
	}
	SetOutdated = &Message{
		Event: "set", Reason: "configured", Level: levelInfo,
		Text:  "{option}={set_to} as configured: {was} of availd set is over, as the option has changed in the configuration",
		Means: "Whoever changes the option in the configuration afterwards means what is written there.",
	}
	SetUnfit = &Message{
		Event: "set", Reason: "contradiction", Level: levelWarn,
		Text:  "{option}={set_to} as configured: {was} of availd set does not go with the present configuration, which counts",
		Means: "Another option was changed in the configuration, such as a `min-spare=` above the limit that was set.",
		Do:    "Change both in the configuration.",
	}
)
