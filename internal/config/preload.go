package config

import (
	"errors"
	"path/filepath"
	"strings"
)

// PreloadDefault is the Preload that stands for the object that was installed with availd.
const PreloadDefault = "yes"

// PreloadNo is the Preload that stands for none, but with TemplatePreload.
const PreloadNo = "no"

// Preloads reports whether a shared object is loaded into the workers, by which they report.
func (c *Config) Preloads() bool {
	return c.Preload != "" && c.Preload != PreloadNo || c.Template == TemplatePreload
}

// preload is a boolean as systemd.syntax(7) writes it, or an absolute path that LD_PRELOAD
// can hold, where a space or a colon separates paths (ld.so(8)).
func preload(field func(*Config) *string) kind {
	return kind{
		accepts: "yes, no, or the absolute path of a shared object, without spaces and colons",
		set: func(c *Config, value string) error {
			is, ok := parseBool(value)
			switch {
			case value == "":
				return errEmpty
			case ok && is:
				*field(c) = PreloadDefault
				return nil
			case ok:
				*field(c) = PreloadNo
				return nil
			case !filepath.IsAbs(value):
				return errors.New("neither yes nor no, and no absolute path")
			case strings.ContainsAny(value, " \t\r\n:\x00"):
				return errors.New("a path that LD_PRELOAD cannot hold")
			}
			*field(c) = value
			return nil
		},
		show: func(c *Config) string { return *field(c) },
	}
}
