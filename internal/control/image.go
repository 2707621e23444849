package control

import (
	"math/rand/v2"
	"strconv"
)

// imageHeader tells which image of availd answers: a process that executed
// another binary keeps its pid, and is another image.
const imageHeader = "X-Availd-Image"

// image is no secret. The first use of crypto/rand leaves a timer behind, which
// would wake a process that sleeps.
var image = strconv.FormatUint(rand.Uint64(), 36)
