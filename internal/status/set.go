package status

import "strings"

// optionLimit is the option whose value of availd set is shown wherever the limit is.
const optionLimit = "limit"

// ConfiguredLimit is the limit of the configuration where availd set has given another;
// false: it has not.
func ConfiguredLimit(sets []Set) (text string, isSet bool) {
	for _, s := range sets {
		if s.Option == optionLimit {
			return s.Configured, true
		}
	}
	return "", false
}

// limitCell is the limit, and the configured one in brackets where that is another.
func limitCell(s Service) string {
	text := limit(s.Limit)
	if configured, isSet := ConfiguredLimit(s.Set); isSet {
		text += " (" + configured + ")"
	}
	return text
}

// setText is all values of availd set, in one line.
func setText(sets []Set) string {
	words := make([]string, len(sets))
	for i, s := range sets {
		words[i] = s.Option + "=" + s.Value + " (" + s.Configured + " configured)"
	}
	return strings.Join(words, ", ")
}
