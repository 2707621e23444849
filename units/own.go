package units

import "strings"

// own is a socket of availd itself, in a unit of its own beside NAME.socket.
type own struct {
	facts
	Kind   string // its FileDescriptorName=, and the end of its name
	Stream string
}

// Agent, Path and Port are for the template.
func (o own) Agent() bool { return o.Kind == agentKind }
func (o own) Path() bool  { return strings.HasPrefix(o.Stream, "/") }
func (o own) Port() bool  { return isPort(o.Stream) }

// Kinds, by the names that availd run sets aside.
const (
	statusKind = "status"
	agentKind  = "agent"
)

// ownSockets writes the units of the sockets that were asked for; nil is one that
// was not.
func (f facts) ownSockets(o Options) (status, agent []byte, err error) {
	for _, s := range []struct {
		kind, address string
		to            *[]byte
	}{{statusKind, o.StatusListen, &status}, {agentKind, o.AgentListen, &agent}} {
		if s.address == "" {
			continue
		}
		stream, err := listenStream(s.address)
		if err != nil {
			return nil, nil, err
		}
		if *s.to, err = render("own", o.Name+"-"+s.kind+".socket", own{f, s.kind, stream}); err != nil {
			return nil, nil, err
		}
	}
	return status, agent, nil
}
