package engine

import (
	"maps"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
)

const (
	problemsKept = 20
	problemLife  = 24 * time.Hour // a problem that has not come again for so long is left out
)

// Problem is something that a person should know, in bridge/info and on the page.
type Problem struct {
	Code    string    `json:"code"`
	Topic   string    `json:"topic"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}

// info is what bridge/info says, published when it changes.
type info struct {
	e *Engine

	mu          sync.Mutex
	accounts    []string
	configError string
	problems    []Problem // oldest first; one of a code and topic
}

// Problem reports a problem; a newer one of the same code and topic replaces it.
func (e *Engine) Problem(code, topic, message string) {
	e.log.Warn("problem", "code", code, "topic", topic, "message", message)
	i := e.info
	i.mu.Lock()
	i.problems = slices.DeleteFunc(i.problems, func(p Problem) bool { return p.Code == code && p.Topic == topic })
	if len(i.problems) == problemsKept {
		i.problems = i.problems[1:]
	}
	i.problems = append(i.problems, Problem{code, topic, message, bridge.Second(time.Now())})
	i.mu.Unlock()
	i.publish()
}

// ConfigError tells what is wrong with the configuration on disk; "" is nothing.
func (e *Engine) ConfigError(text string) {
	e.info.mu.Lock()
	e.info.configError = text
	e.info.mu.Unlock()
	e.info.publish()
}

// setAccounts takes over which accounts there are. The caller holds e.mu.
func (i *info) setAccounts() {
	i.mu.Lock()
	i.accounts = slices.Sorted(maps.Keys(i.e.accounts))
	i.mu.Unlock()
	i.publish()
}

// current are the problems of the last day.
func (i *info) current() []Problem {
	i.problems = slices.DeleteFunc(i.problems, func(p Problem) bool { return time.Since(p.At) > problemLife })
	return append([]Problem{}, i.problems...)
}

func (i *info) publish() {
	i.mu.Lock()
	defer i.mu.Unlock() // of two that meet, the later says what holds
	// accepts_commands_at is a promise, so it is rounded up to its whole second.
	accepts := i.e.guard.acceptsAt()
	if !accepts.IsZero() {
		accepts = accepts.Add(time.Second - time.Nanosecond)
	}
	payload := encode(struct {
		Version     string     `json:"version"`
		Instance    string     `json:"instance"`
		StartedAt   time.Time  `json:"started_at"`
		AcceptsAt   *time.Time `json:"accepts_commands_at"`
		Accounts    []string   `json:"accounts"`
		ConfigError *string    `json:"config_error"`
		Problems    []Problem  `json:"problems"`
	}{i.e.o.Version, i.e.o.Instance, bridge.Second(i.e.started), bridge.OrNull(bridge.Second(accepts)),
		append([]string{}, i.accounts...), bridge.OrNull(i.configError), i.current()})
	i.e.table.Put(bridge.Message{Topic: i.e.o.Topics.BridgeInfo(), Payload: payload, Stage: bridge.StageState})
}
