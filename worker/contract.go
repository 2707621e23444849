package worker

// The words a worker and availd exchange. They are the whole contract: a
// program that reads two variables and writes one key needs no library.
const (
	// EnvStress names the variable that holds "yes" in a worker that was
	// started while the service was under stress, and nothing otherwise. It
	// is fixed for the life of the process.
	EnvStress = "AVAILD_STRESS"
	// EnvGeneration names the variable that holds the decimal number the
	// worker was started with. Each start has the next one; none is used twice.
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

// The availability board: memory that a worker may share with availd instead
// of sending X_AVAILD. What is where, and who may do what in which order, is in
// availd-worker(7). All numbers are in the byte order of the machine.
const (
	// EnvBoardFD and EnvWakeFD name the variables that hold the descriptors of
	// the board and of the eventfd by which availd is woken, EnvSlot the one
	// that holds the worker's slot on the board, from 0 on.
	EnvBoardFD = "AVAILD_BOARD_FD"
	EnvWakeFD  = "AVAILD_WAKE_FD"
	EnvSlot    = "AVAILD_SLOT"

	// BoardMagic and BoardVersion, 64 and 32 bits, begin the board, followed by
	// BoardWords, BoardLines and BoardLine, 32 bits each.
	BoardMagic   = 0x42646c6961766100 // "\0availdB", little endian
	BoardVersion = 1

	// BoardWords is the number of 64-bit words that hold the idle bits.
	BoardWords = 64
	// BoardSlots is the number of workers that a board has room for.
	BoardSlots = 64 * BoardWords
	// BoardCall is the offset of the word by which availd asks to be woken.
	BoardCall = 64
	// BoardIdle is the offset of the idle bits, BoardLow that of the low-water
	// marks, BoardLines that of the workers' lines, of BoardLine bytes each.
	BoardIdle  = 128
	BoardLow   = BoardIdle + 8*BoardWords
	BoardLines = 4096
	BoardLine  = 64
	// BoardOwner, BoardTurns and BoardNote are the offsets of the words in a line. The
	// note is the shared object's, see EnvPreload.
	BoardOwner = 0
	BoardTurns = 8
	BoardNote  = 16
	// BoardWaits is the offset of four words, each of four numbers of 16 bits, the lowest
	// first: how many connections have waited how long until the worker accepted them, by
	// [WaitBounds], and how many for longer. They begin again after 65535. BoardWaited is
	// that of a word with the sum in microseconds. Who does not know leaves them alone.
	BoardWaits  = 24
	BoardWaited = 56
	// BoardSize is the size of the whole, in bytes. Only what is used is memory.
	BoardSize = BoardLines + BoardSlots*BoardLine
)

// What availd tells the shared object that it has loaded into a worker (--preload). A
// worker that knows of availd has no use for it.
const (
	// EnvPreload names the variable that holds six decimal numbers, separated by a space:
	// the descriptor of the board, that of the eventfd, the slot, the generation, the
	// first listening socket and how many there are.
	EnvPreload = "AVAILD_PRELOAD"
	// EnvPreloadPID names the one that holds the pid of the worker, as processes that it
	// starts inherit both.
	EnvPreloadPID = "AVAILD_PRELOAD_PID"
	// EnvPreloadDebug names the one that, unless it is empty, has the object write to
	// standard error what it does.
	EnvPreloadDebug = "AVAILD_PRELOAD_DEBUG"

	// What the object writes into BoardNote: that it was loaded, and why it has given its
	// place up: the worker holds several clients at once, accepts in several threads, or
	// has closed the eventfd.
	NoteLoaded  = 1
	NoteClients = 2
	NoteThreads = 3
	NoteClosed  = 4
)
