package prose

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"User", "Group", "MemoryMax", "MemoryMin", "ReadWritePaths", "limit"}
	for word, want := range map[string]string{
		"Usr": "User", "USER": "User", "Memorymax": "MemoryMax", "MemroyMax": "MemoryMax", "ReadWritePath": "ReadWritePaths",
		"limt": "limit", "Zebra": "", "": "", "ReadWritePathsThatAreMuchTooLongForAnyNameOfASetting": "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}
