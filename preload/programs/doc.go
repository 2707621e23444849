// Package programs tests the shared object of --preload (../availd-preload.c) in programs
// of all kinds, under a real availd. It has nothing but tests: a directory with a C file
// cannot be a Go package without cgo.
package programs
