package check

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/availd/availd/internal/limits"
)

func itoa(n int) string { return strconv.Itoa(n) }

// leastMemory is what no process does with: a smaller share of MemoryMax= is a mistake,
// whatever the workers are.
const leastMemory = 1 << 20

// bounds is about what ends the growth of the pool before its limit.
func bounds(f *Facts, r *report) {
	limit, running, u := f.Config.Limit, 0, &f.Service
	if limit == 0 {
		return
	}
	room := limits.Facts{Tasks: limits.Unknown, Files: limits.Unknown, Processes: limits.Unknown, Memory: limits.Unknown, PerWorker: limits.Unknown}
	if f.Machine != nil {
		room.PerWorker = f.Machine.Room.PerWorker
	}
	room.FilesEach = f.Config.Protocol.Files()
	if n, ok := u.number("TasksMax"); ok && n != unlimited {
		room.Tasks = max(0, n-ownTasks)
	}
	if n, ok := u.hard("LimitNOFILE"); ok && n != unlimited {
		room.Files = n
	}
	if n, ok := u.hard("LimitNPROC"); ok && n != unlimited && f.user() != "root" {
		room.Processes = max(0, n-ownTasks)
	}
	memory, bounded := u.number("MemoryMax")
	if bounded = bounded && memory != unlimited && memory > 0; bounded {
		room.Memory = int64(memory)
	}
	for _, b := range room.Bounds(limit, running) {
		switch b.By {
		case limits.ByTasks:
			r.setting(Warning, "tasks", u, "Service", fmt.Sprintf("TasksMax=%d", 2*limit+ownTasks), "it allows %d workers, and limit=%d: above that no worker can be started", b.Reachable, limit)
		case limits.ByFiles:
			r.setting(Warning, "files", u, "Service", fmt.Sprintf("LimitNOFILE=%d", 2*limit+350), "it allows availd the descriptors of %d workers, and limit=%d", b.Reachable, limit)
		case limits.ByProcesses:
			r.setting(Warning, "processes", u, "Service", fmt.Sprintf("LimitNPROC=%d", 2*limit+ownTasks), "it allows the user %d more processes, and limit=%d: above that no worker can be started", b.Reachable, limit)
		case limits.ByMemory:
			r.setting(Warning, "memory", u, "Service", fmt.Sprintf("MemoryMax=%dM", (int64(limit)*b.EachBytes>>20+1)*5/4), "it is enough for %d workers of %d MB, and limit=%d: above that the kernel kills some", b.Reachable, b.EachBytes>>20, limit)
		}
	}
	if bounded && memory/limit < leastMemory && room.PerWorker <= 0 {
		r.setting(Warning, "memory", u, "Service", fmt.Sprintf("MemoryMax=%dM", limit*10), "it leaves each of limit=%d workers less than 1 MB: the kernel kills some before the limit is reached", limit)
	}
	if !slices.ContainsFunc(r.all, func(f Finding) bool { return f.ID == "files" }) {
		descriptors(f, r)
	}
}

// ownTasks are the threads of availd itself.
const ownTasks = 24

// hard is the hard one of two limits, SOFT:HARD.
func (u *Unit) hard(key string) (int, bool) {
	if v, ok := u.Effective[key]; ok && v != "" {
		return u.number(key)
	}
	value := u.get(key)
	for i := range value {
		if value[i] == ':' {
			value = value[i+1:]
			break
		}
	}
	scratch := Unit{Settings: []Setting{{Key: key, Value: value}}}
	return scratch.number(key)
}

// descriptors is about the soft limit, under which systemd hands stored descriptors over.
func descriptors(f *Facts, r *report) {
	u := &f.Service
	soft, known := u.Effective["LimitNOFILESoft"], true
	n, err := strconv.Atoi(soft)
	if err != nil {
		value := u.get("LimitNOFILE")
		if value == "" {
			return
		}
		n, known = (&Unit{Settings: []Setting{{Key: "x", Value: cut(value)}}}).number("x")
	}
	if need := f.Config.Limit + 350; known && n != unlimited && n < need {
		r.setting(Warning, "store-files", u, "Service", fmt.Sprintf("LimitNOFILE=%d:524288", need+f.Config.Limit),
			"its soft limit is %d: with limit=%d systemd could not start availd again after a crash, as it hands over a descriptor for each worker; %d are enough", n, f.Config.Limit, need)
	}
}

func cut(value string) string {
	for i := range value {
		if value[i] == ':' {
			return value[:i]
		}
	}
	return value
}
