// Package oneprocessor has one thread at a time run Go code, from before all other packages
// are initialized. The loop computes for some microseconds at a time, and whoever answers
// questions or collects garbage has the rest: with more of them threads wake each other for
// nothing.
//
// What the runtime has set aside for a processor that is taken away later stays in memory: of
// each size of objects that was allocated there some pages, and for the list of them some
// more. In the first line of main that was half a megabyte of an availd's two. Packages are
// initialized in the order of their import paths as soon as what they import has been (The Go
// Programming Language Specification, Program initialization). So this package must not
// import anything but the runtime, and for the same reason it cannot look at the environment.
package oneprocessor

import "runtime"

// found is how many there were to be, by the machine or by GOMAXPROCS of package runtime.
var found = runtime.GOMAXPROCS(1)

// Undo has as many threads run Go code as the runtime has found: the administrator has set
// GOMAXPROCS.
func Undo() { runtime.GOMAXPROCS(found) }
