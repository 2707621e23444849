package activation

// Directive is the setting of systemd.socket(5) that makes a socket of this
// kind, with its equals sign.
func (k Kind) Directive() string {
	switch k {
	case Stream:
		return "ListenStream="
	case SeqPacket:
		return "ListenSequentialPacket="
	case Datagram:
		return "ListenDatagram="
	default:
		return "ListenFIFO="
	}
}
