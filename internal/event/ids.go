package event

// MessageID gives the kinds of messages that are worth an entry in the catalog,
// packaging/availd.catalog, their MESSAGE_ID of systemd.journal-fields(7). An
// id is for ever: people search and alert for it.
var MessageID = map[string]string{
	"full":              "cfb215619d14aede6884963289ef5497",
	"full_ends":         "f69a35cfba081bddf485d82dafbab2aa",
	"stress_begins":     "213fddd099d78fe8198a68c3001a8489",
	"stress_ends":       "766371228cb485c75002e9c2d709db2a",
	"throttle_begins":   "66100fdb034cbe8a34f6393aeb37f73a",
	"throttle_ends":     "1a7f5c16421ddfd1919777d565d90c64",
	"worker_failed":     "b96c96d22733f57812200ef2d5889b1a",
	"worker_hung":       "3d47d4e9c03f6c5f3e2b19dab4edf5fd",
	"slow":              "42a0941c224f4e799d859cc3ded515fd",
	"suspect":           "0fe410980415f75c7a9f0d3f6aad7378",
	"socket_down":       "29272780e05e4aae8445ab70fe647fa8",
	"adopted":           "9dbeb8e97587863bab5d3328931730f7",
	"upgraded":          "047dacd6775a4301462b580a5e184496",
	"upgrade_refused":   "9da029034c6c426aaef61417e43103be",
	"reloaded":          "5305c6fcc46bd2ed32696c0eda416788",
	"reload_refused":    "342b69ccfe35772e100e83333d8f2599",
	"roll_out_stopped":  "f23777b010880bb5ffe60078761646c7",
	"limit_unreachable": "4716e628fba028f32f79ceae55d58f9c",
}
