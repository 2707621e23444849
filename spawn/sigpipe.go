package spawn

import "os"

// SIGPIPEIgnored reports whether this process was started with SIGPIPE ignored.
// Go's runtime replaces what it inherited before any Go code runs, so it cannot
// be looked up afterwards. A service manager is the only usual parent that
// ignores it (IgnoreSIGPIPE= of systemd.exec(5), on by default).
func SIGPIPEIgnored() bool { return os.Getenv("NOTIFY_SOCKET") != "" }
