package testutil

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// roleFails makes the target below one with a fault that has to be found.
const roleFails = "AVAILD_TEST_FUZZ_FAILS"

// FuzzPair has a fault, if it is asked for, where a number and a word come together that no
// seed has: in a failure, in a panic, or in an end that is none.
func FuzzPair(base *testing.F) {
	f := Fuzz(base)
	f.Add([]byte("begin=1\nend=2\n"), uint16(7), int8(-1), true, "x", uint8(1))
	f.Add([]byte("begin=1"), uint16(0), int8(3), false, "", uint8(200))
	fails := os.Getenv(roleFails)
	f.Fuzz(func(t *testing.T, text []byte, n uint16, i int8, is bool, word string, b uint8) {
		if fails == "" || n != 1000 || is || !bytes.Contains(text, []byte("end")) {
			return
		}
		switch fails {
		case "fatal":
			t.Fatal("found")
		case "error":
			t.Error("found")
		case "panic":
			panic("found")
		}
	})
}

// TestFindsFaults: a fault is found, with its seed and an input that go test runs from then
// on, and that by itself is enough to bring it about.
func TestFindsFaults(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, fails := range []string{"fatal", "error", "panic"} {
		dir := t.TempDir()
		run := func(executions string) (string, error) {
			cmd := exec.Command(program, "-test.run", "^FuzzPair$")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), roleFails+"="+fails, "AVAILD_FUZZ="+executions, "AVAILD_FUZZ_SEED=5")
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		out, err := run("400000")
		if err == nil || !strings.Contains(out, "found") || !strings.Contains(out, "AVAILD_FUZZ_SEED=5; the input that failed is ") {
			t.Fatalf("%s: %v\n%s", fails, err, out)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "testdata/fuzz/FuzzPair/*"))
		if len(files) == 0 {
			t.Fatalf("%s: no input was written\n%s", fails, out)
		}
		if out, err := run("0"); err == nil || !strings.Contains(out, "found") || strings.Contains(out, "unmarshal") {
			t.Fatalf("%s: the input alone: %v\n%s", fails, err, out)
		}
	}
}

// TestSeedsAreKept: what is written is read back, in both forms, and kept once.
func TestSeedsAreKept(t *testing.T) {
	seed := []any{[]byte("a\x00\xff\n\"'`,)"), "é\\", uint16(65535), int64(-1 << 63), uint64(1<<64 - 1), int8(-3), uint8(200), true, false}
	var kinds []reflect.Type
	for _, v := range seed {
		kinds = append(kinds, reflect.TypeOf(v))
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "corpus", "FuzzX")
	for range 2 {
		if err := keepSeeds(path, [][]any{seed, seed, append([]any{bytes.Repeat([]byte("x"), keptLength)}, seed[1:]...)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "go"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go", "x"), []byte(goFile(seed)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, filepath.Join(dir, "go")} {
		if got, err := readSeeds(path, kinds); err != nil || !reflect.DeepEqual(got, [][]any{seed}) {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
	if got, err := readSeeds(filepath.Join(dir, "none"), kinds); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// TestMutations: by the same seed the same inputs, which differ from the seed and from each
// other, stay bounded, and leave the seed as it was.
func TestMutations(t *testing.T) {
	seeds := [][]any{{[]byte("limit=5\nname=web"), int64(4)}, {[]byte("x"), int64(0)}}
	play := func() (list []string, most int) {
		m := mutator{random: rand.New(rand.NewPCG(1, 2)), seeds: seeds, words: dictionary(seeds)}
		args := []reflect.Value{reflect.ValueOf(seeds[0][0]), reflect.ValueOf(seeds[0][1])}
		for range 3000 {
			next := m.mutate(args)
			list = append(list, string(next[0].Bytes())+next[1].String()+string(digits(uint64(next[1].Int()), 0)))
			most = max(most, next[0].Len())
		}
		return list, most
	}
	first, most := play()
	second, _ := play()
	if !reflect.DeepEqual(first, second) {
		t.Error("the same seed makes other inputs")
	}
	if most <= len("limit=5\nname=web") || most > longest {
		t.Errorf("up to %d bytes", most)
	}
	different := map[string]bool{}
	for _, text := range first {
		different[text] = true
	}
	if len(different) < len(first)*3/4 {
		t.Errorf("%d of %d inputs are different", len(different), len(first))
	}
	if string(seeds[0][0].([]byte)) != "limit=5\nname=web" {
		t.Errorf("the seed is now %q", seeds[0][0])
	}
}
