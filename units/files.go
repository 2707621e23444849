package units

import "strconv"

// Descriptors of availd and of systemd, by the most workers.
const (
	// leastStored is FileDescriptorStoreMax= of a service of up to 2,000 workers, so
	// that a limit that is raised later does not want another unit.
	leastStored = 4096
	// mostStored is that of a service without a limit.
	mostStored = 65536
	// storedEach are the descriptors that the store holds for a worker: its pidfd,
	// and with --protocol=postfix its status channel.
	storedEach = 2
	// storedReserve are those that do not depend on the workers: the state, the
	// report socket, the board.
	storedReserve = 64
	// openReserve is what a process of systemd needs below the soft limit beside the
	// stored descriptors, while it puts them into place. 1,024 were too few for some
	// 650 workers (systemd 252).
	openReserve = 350
	// hardFiles is DefaultLimitNOFILE= of systemd, the hard one (since version 240).
	hardFiles = 524288
)

// stored is FileDescriptorStoreMax= for a limit of run, as it is written there. What
// is no number, availd run refuses.
func stored(limit string) int {
	n, err := strconv.Atoi(limit)
	switch {
	case limit == "unlimited" || err == nil && n == 0:
		return mostStored
	case err != nil:
		return leastStored
	}
	return max(leastStored, roundUp(storedEach*n+storedReserve))
}

// openFiles is the soft limit under which so many stored descriptors can be handed
// over, and the hard one. systemd moves each to its place through another number, so
// that twice as many are in use for a moment.
func openFiles(stored int) (soft, hard int) {
	soft = roundUp(2*stored + openReserve)
	return soft, max(soft, hardFiles)
}

func roundUp(n int) int { return (n + 1023) / 1024 * 1024 }
