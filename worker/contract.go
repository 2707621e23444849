package worker

// The words a worker and availd exchange. They are the whole contract: a
// program that reads two variables and writes one key needs no library.
const (
	// EnvStress names the variable that holds "yes" in a worker that was
	// started while the service was under stress, and nothing otherwise. It
	// is fixed for the life of the process.
	EnvStress = "AVAILD_STRESS"
	// EnvGeneration names the variable that holds the decimal number the
	// worker was born with. Each birth has the next one; none is used twice.
	EnvGeneration = "AVAILD_GENERATION"

	// KeyAvailability says whether the worker can take another connection:
	// ValueBusy or ValueIdle.
	KeyAvailability = "X_AVAILD"
	// KeyJobs is the decimal number of clients a worker holds, for workers
	// that hold several at once.
	KeyJobs = "X_AVAILD_JOBS"
	// KeyDone is the decimal number of jobs finished since the last report.
	KeyDone = "X_AVAILD_DONE"

	// ValueBusy says that the worker takes no further connection for now.
	ValueBusy = "busy"
	// ValueIdle says that the worker waits for a connection.
	ValueIdle = "idle"

	// MaxReport bounds one report, in bytes. A longer one is dropped whole.
	MaxReport = 4096
	// MaxStatus bounds the text of a STATUS= line, in bytes.
	MaxStatus = 256
)
