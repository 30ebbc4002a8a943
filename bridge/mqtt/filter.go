package mqtt

import "strings"

// matches tells whether a topic is of a filter of ours, by the rules of MQTT 3.1.1
// section 4.7. paho's own router cuts filter and topic into pieces anew for each
// message and route.
func matches(filter, topic string) bool {
	if topic != "" && topic[0] == '$' && (filter == "" || filter[0] != '$') {
		return false // a wildcard in front leaves the broker's own topics out
	}
	for {
		want, moreWanted, deeper := strings.Cut(filter, "/")
		if want == "#" {
			return true
		}
		level, rest, further := strings.Cut(topic, "/")
		switch {
		case want != "+" && want != level:
			return false
		case !deeper:
			return !further
		case !further:
			return moreWanted == "#" // a/# is also a
		}
		filter, topic = moreWanted, rest
	}
}
