package status

import (
	"encoding/json"
	"testing"
)

func TestCount(t *testing.T) {
	for c, want := range map[Count]string{0: "0", 7: "7", UnknownCount: "null"} {
		text, err := json.Marshal(c)
		if err != nil || string(text) != want {
			t.Errorf("%d is %s, %v; want %s", int(c), text, err, want)
		}
		var back Count
		if err := json.Unmarshal(text, &back); err != nil || back != c {
			t.Errorf("%s is %d, %v", text, int(back), err)
		}
	}
	var c Count
	if err := json.Unmarshal([]byte("-1"), &c); err != nil || c == UnknownCount || c >= 0 {
		t.Errorf("-1 is read as %d, %v: a number that is none must not be unknown", int(c), err)
	}
	if UnknownCount.String() != "?" || Count(3).String() != "3" || UnknownCount.Known() != 0 {
		t.Error("an unknown number is not shown as such")
	}
}
