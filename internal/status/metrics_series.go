package status

import (
	"bytes"
	"strconv"
	"strings"
)

// series writes the lines of one name and service.
type series struct {
	out           *bytes.Buffer
	name, service string
}

func (o *series) add(n uint64, labels ...string) { o.write(strconv.FormatUint(n, 10), labels...) }
func (o *series) addInt(n int, labels ...string) { o.write(strconv.Itoa(n), labels...) }

func (o *series) addBool(b bool) {
	n := 0
	if b {
		n = 1
	}
	o.addInt(n)
}

func float(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// write writes one line; labels are pairs of name and value.
func (o *series) write(value string, labels ...string) {
	o.out.WriteString(o.name + `{service="` + escape(o.service) + `"`)
	for i := 0; i < len(labels); i += 2 {
		o.out.WriteString("," + labels[i] + `="` + escape(labels[i+1]) + `"`)
	}
	o.out.WriteString("} " + value + "\n")
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// escape makes a label's value of s, which is UTF-8 afterwards.
func escape(s string) string { return escapes.Replace(strings.ToValidUTF8(s, "�")) }
