package daemon

import (
	"slices"

	"latchkey/bridge"
	"latchkey/bridge/web"
)

// samples are the metrics of one scrape.
func (h *house) samples() []web.Metric {
	counts, link, stats := h.engine.Counts(), h.link.State(), h.link.Stats()
	up := 0.0
	if link.Open {
		up = 1
	}
	all := []web.Metric{
		{Name: "latchkey_mqtt_connected", Help: "1 while the link to the broker is open.", Value: up},
		{Name: "latchkey_mqtt_connects_total", Help: "Links to the broker that came up.", Counter: true, Value: float64(stats.Connects)},
		{Name: "latchkey_mqtt_losses_total", Help: "Links to the broker that broke.", Counter: true, Value: float64(stats.Losses)},
		{Name: "latchkey_mqtt_published_total", Help: "Messages that the broker has acknowledged.", Counter: true, Value: float64(stats.Published)},
		{Name: "latchkey_commands_overflow_total", Help: "Commands that came too fast to be judged or answered.", Counter: true, Value: float64(counts.Overflow)},
		ignored("malformed_topic", counts.BadTopic), ignored("empty_set", counts.EmptySet), ignored("own_clearing", counts.OwnClear),
		{Name: "latchkey_events_dropped_total", Help: "Events and results that had no link to the broker, or too slow a one.", Counter: true, Value: float64(counts.DroppedEvents)},
		{Name: "latchkey_facts_refused_total", Help: "Facts of vendors that fit no device or entity.", Counter: true, Value: float64(counts.RefusedFacts)},
		{Name: "latchkey_store_written_bytes_total", Help: "Bytes written to the state folder.", Counter: true, Value: float64(h.store.BytesWritten())},
	}
	openings := h.openings.count()
	all = append(all,
		web.Metric{Name: "latchkey_openings_logged_total", Help: "Commands on what moves, done or refused, that are in the opening log.", Counter: true, Value: float64(openings.Logged)},
		web.Metric{Name: "latchkey_openings_lost_total", Help: "Those that the opening log could not take.", Counter: true, Value: float64(openings.Lost)},
		web.Metric{Name: "latchkey_openings_commits_total", Help: "Writes of the opening log.", Counter: true, Value: float64(openings.Commits)})
	for reason, n := range counts.Results {
		all = append(all, web.Metric{Name: "latchkey_commands_total", Help: "Commands by how they ended.", Counter: true,
			Labels: []web.Label{{Name: "outcome", Value: string(reason.Outcome())}, {Name: "reason", Value: string(reason)}}, Value: float64(n)})
	}
	for _, a := range h.engine.Status().Accounts {
		for _, state := range bridge.TokenStates() {
			value := 0.0
			if a.Health.State == state {
				value = 1
			}
			all = append(all, web.Metric{Name: "latchkey_token_state", Help: "1 for the state that an account's tokens are in.",
				Labels: []web.Label{{Name: "account", Value: a.ID}, {Name: "state", Value: string(state)}}, Value: value})
		}
		if !a.Health.ExpiresAt.IsZero() {
			all = append(all, web.Metric{Name: "latchkey_token_expires_timestamp_seconds", Help: "When the access token runs out.",
				Labels: []web.Label{{Name: "account", Value: a.ID}}, Value: float64(a.Health.ExpiresAt.Unix())})
		}
	}
	return slices.Clip(all)
}

// ignored counts messages on command topics that have no answer.
func ignored(why string, n uint64) web.Metric {
	return web.Metric{Name: "latchkey_messages_ignored_total", Help: "Messages on command topics that are no commands.", Counter: true,
		Labels: []web.Label{{Name: "why", Value: why}}, Value: float64(n)}
}
