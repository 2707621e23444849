//go:build !stillruntime

package still

func sleep() bool { return false }
