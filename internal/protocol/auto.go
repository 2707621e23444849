package protocol

// Auto is for all programs that accept on descriptor 3: a worker is taken for one of Queue
// until it reports, and for one of Notify from then on.
var Auto = &Protocol{
	Name: "auto", FirstSocket: 3, Reports: true, Infers: true, HearsStress: true,
	Retire: "TERM", QuiescesUntilReport: true, Handover: listeners, Rules: inferring,
	Refuses: map[string]Refusal{preloadOption: {Instead: "use --protocol=queue, or --protocol=fastcgi for FastCGI programs"}},
}
