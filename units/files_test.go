package units

import "testing"

// TestFiles: whatever the limit is, the store has room for two descriptors of each
// worker, and the soft limit for all that is stored.
func TestFiles(t *testing.T) {
	for limit, want := range map[string]int{
		"": 4096, "1": 4096, "100": 4096, "2000": 4096, "2017": 5120, "5000": 10240, "0": 65536, "unlimited": 65536, "many": 4096, "300000": 600064,
	} {
		got := stored(limit)
		if got != want {
			t.Errorf("limit %s: %d descriptors are stored, want %d", limit, got, want)
		}
		if soft, hard := openFiles(got); soft < got+350 || hard < soft || hard < 524288 {
			t.Errorf("limit %s: %d are stored under LimitNOFILE=%d:%d", limit, got, soft, hard)
		}
	}
	o := web()
	o.Run = []string{"--limit=5000"}
	hasLines(t, "service", generate(t, o).Service, "FileDescriptorStoreMax=10240", "LimitNOFILE=21504:524288", "Environment=AVAILD_OWN_NOFILE=21504")
	o.Properties = []string{"LimitNOFILE=8192", "Environment=A=b"}
	service := generate(t, o).Service
	hasLines(t, "service", service, "LimitNOFILE=8192", "Environment=A=b")
	lacks(t, "service", service, "AVAILD_OWN_NOFILE", "LimitNOFILE=21504")
	o.Properties = []string{"Environment=A=b"}
	hasLines(t, "service", generate(t, o).Service, "Environment=AVAILD_OWN_NOFILE=21504", "Environment=A=b")
}
