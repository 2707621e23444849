package limits

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRoom(t *testing.T) {
	for _, c := range []struct {
		name    string
		self    string
		files   map[string]string
		of      Resource
		left    uint64
		bounded bool
	}{
		{"v2", "0::/system.slice/web.service\n", map[string]string{
			"system.slice/web.service/pids.max": "100\n", "system.slice/web.service/pids.current": "10\n",
		}, Tasks, 90, true},
		{"v2, the slice is tighter", "0::/system.slice/web.service\n", map[string]string{
			"system.slice/web.service/pids.max": "100\n", "system.slice/web.service/pids.current": "10\n",
			"system.slice/pids.max": "50\n", "system.slice/pids.current": "45\n",
		}, Tasks, 5, true},
		{"v2, no bound", "0::/system.slice/web.service\n", map[string]string{
			"system.slice/web.service/pids.max": "max\n", "system.slice/web.service/pids.current": "10\n",
		}, Tasks, 0, false},
		{"v2, lowered below the use", "0::/a.service\n", map[string]string{
			"a.service/memory.max": "100\n", "a.service/memory.current": "300\n",
		}, Memory, 0, true},
		{"hybrid", "8:pids:/system.slice/web.service\n0::/system.slice/web.service\n", map[string]string{
			"pids/system.slice/web.service/pids.max": "20\n", "pids/system.slice/web.service/pids.current": "3\n",
			"unified/system.slice/web.service/cgroup.procs": "1\n",
		}, Tasks, 17, true},
		{"v1, no bound", "4:memory:/a.service\n", map[string]string{
			"memory/a.service/memory.limit_in_bytes": "9223372036854771712\n", "memory/a.service/memory.usage_in_bytes": "7\n",
		}, Memory, 0, false},
		{"v1, two controllers", "4:cpu,memory:/a.service\n", map[string]string{
			"cpu,memory/a.service/memory.limit_in_bytes": "1000\n", "cpu,memory/a.service/memory.usage_in_bytes": "400\n",
		}, Memory, 600, true},
		{"nothing", "0::/\n", nil, Tasks, 0, false},
		{"garbage", "0\n:\n", nil, Tasks, 0, false},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if left, bounded := room(root, c.self, c.of); left != c.left || bounded != c.bounded {
			t.Errorf("%s: %d %t, want %d %t", c.name, left, bounded, c.left, c.bounded)
		}
	}
}
