// Package units writes the systemd units of a service: NAME.socket with the
// addresses, NAME.service that runs availd with the worker's command, and
// NAME.conf with availd's options. Every line says why it is there, so that
// the files can be edited by hand afterwards; nothing reads them back.
//
// It is not a template language for units and knows one shape of service. It
// promises no API stability to programs outside this module.
//
// The files are the same on every machine: nothing of the system is looked at,
// and whether a command or a group exists is left to systemd-analyze(1) verify.
//
// # Diagnostics
//
// [Generate] refuses what systemd would misread or what cannot work under the
// restrictions of the service; such errors are for the person at the keyboard
// and say what to write instead. [Set.WriteTo] reports the first file it
// cannot write, and then has written none.
package units
