package first

// entry is in assembly; nothing calls it.
func entry()
