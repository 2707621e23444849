package programs

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/availd/availd/worker"
)

// TestBoardConstants: the object and package worker mean the same board.
func TestBoardConstants(t *testing.T) {
	text, err := os.ReadFile("../availd-preload.c")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]uint64{
		"MAGIC": worker.BoardMagic, "VERSION": worker.BoardVersion, "WORDS": worker.BoardWords, "CALL": worker.BoardCall, "IDLE": worker.BoardIdle,
		"LOW": worker.BoardLow, "LINES": worker.BoardLines, "LINE": worker.BoardLine, "SIZE": worker.BoardSize,
	} {
		m := regexp.MustCompile(`\bBOARD_` + name + `(?: =)? (0x[0-9a-f]+|[0-9]+)\b`).FindStringSubmatch(string(text))
		if m == nil {
			t.Errorf("there is no BOARD_%s", name)
		} else if got, err := strconv.ParseUint(m[1], 0, 64); err != nil || got != value {
			t.Errorf("BOARD_%s is %s, and %d in package worker", name, m[1], value)
		}
	}
	words := [...]int{worker.BoardOwner, worker.BoardTurns, worker.BoardNote}
	notes := [...]int{worker.NoteLoaded, worker.NoteClients, worker.NoteThreads, worker.NoteClosed}
	if words != [...]int{0, 8, 16} || notes != [...]int{1, 2, 3, 4} {
		t.Errorf("the object numbers words and notes by their order, package worker as %v and %v", words, notes)
	}
}

// TestLoadsEverywhere: the object needs libc alone, of it only what glibc 2.34 has, and
// nothing that a restricted service refuses to map.
func TestLoadsEverywhere(t *testing.T) {
	f, err := elf.Open(filepath.Join(build(t), "plain.so"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) != 1 || libraries[0] != "libc.so.6" {
		t.Errorf("it needs %q (%v)", libraries, err)
	}
	symbols, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		var minor int
		if _, err := fmt.Sscanf(s.Version, "GLIBC_2.%d", &minor); s.Version != "" && (err != nil || minor > 34) {
			t.Errorf("%s is of %s", s.Name, s.Version)
		}
	}
	for _, p := range f.Progs {
		if p.Flags&elf.PF_W != 0 && p.Flags&elf.PF_X != 0 { // MemoryDenyWriteExecute=
			t.Errorf("a segment of type %v is writable and executable", p.Type)
		}
	}
	if found, err := f.DynValue(elf.DT_TEXTREL); err != nil || len(found) > 0 {
		t.Errorf("relocations change its code: %v, %v", found, err)
	}
}
