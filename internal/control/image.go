package control

import "crypto/rand"

// imageHeader tells which image of availd answers: a process that executed
// another binary keeps its pid, and is another image.
const imageHeader = "X-Availd-Image"

var image = rand.Text()
