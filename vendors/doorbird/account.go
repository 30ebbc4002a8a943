package doorbird

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"latchkey/bridge"
)

// bellsNote is the note that keeps the bells met, so that an entity that was
// added by a ring is still there after a restart.
const bellsNote = "bells"

// account is one station at work: what its tasks, calls and pushes share.
type account struct {
	client
	id      string
	name    string
	hookURL func() (bridge.Secret, error) // nil: the page is off
	options *Options
	admin   bool
	pushes  bool
	notes   bridge.Notes
	log     *slog.Logger

	mu      sync.Mutex
	mac     string            // of the grant's station; "" until it is known
	meta    metadata          // as it answered last; no MAC: not in this run
	relays  []Relay           // as listed last
	listed  time.Time         // when
	bells   []int             // 2 and up, configured, met or hooked
	hooks   []hooked          // in the station
	links   map[string]string // the newest picture of each history
	looks   map[string]int    // at a history since an event, by task; 0: nothing is waited for
	waiting []string          // tasks that ran before the device was known
}

// Open makes the account's functions.
func (o *Options) Open(s bridge.Settings, env bridge.Env) (bridge.Account, error) {
	a := &account{
		client: client{cloud: env.Cloud, base: strings.TrimSuffix(s.BaseURL, "/"), twice: o.PeripheralBody == bodyString, viewer: s.Scope == viewer},
		id:     env.Account, name: s.Name, hookURL: env.HookURL, options: o, admin: s.Scope == admin, pushes: !o.PushKey.Empty(),
		notes: env.Notes, log: env.Log, mac: bridge.MAC(env.Identity), links: map[string]string{}, looks: map[string]int{},
	}
	for bell := 2; bell <= o.Bells; bell++ {
		a.bells = append(a.bells, bell)
	}
	a.recall()
	a.recallHooks()
	out := bridge.Account{Tasks: a.tasks(s.Poll), Calls: append(a.calls(), a.hookCalls()...)}
	if a.pushes || a.hookURL != nil {
		out.Push = &bridge.Push{Key: o.PushKey}
	}
	if a.pushes {
		out.Push.Take = a.take
	}
	if a.hookURL != nil {
		out.Push.Hook = a.hook
	}
	return out, nil
}

// recall adds the bells that have rung before. Without them an entity is missing
// until that bell rings again: no reason to do without the station.
func (a *account) recall() {
	record, err := a.notes.Load(bellsNote)
	var met []int
	if err == nil && record != nil {
		err = json.Unmarshal(record, &met)
	}
	if err != nil {
		a.log.Warn("bells that rang before are not known", "err", err)
	}
	for _, bell := range met {
		if bell >= 2 && bell <= bellsMax {
			a.add(bell)
		}
	}
}

func (a *account) add(bell int) {
	if at, known := slices.BinarySearch(a.bells, bell); !known {
		a.bells = slices.Insert(a.bells, at, bell)
	}
}

// meet makes sure that a bell has its entities, before its event is reported.
func (a *account) meet(bell int, report bridge.Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := slices.BinarySearch(a.bells, bell); known || bell < 2 {
		return
	}
	a.add(bell)
	record, err := json.Marshal(a.bells)
	if err == nil {
		err = a.notes.Save(bellsNote, record)
	}
	if err != nil {
		a.log.Warn("a new bell is not remembered", "err", err)
	}
	if a.meta.MAC != "" {
		report(a.devices()) // under the lock: lists must arrive in the order in which they were made
	}
}

// renew reports the device after its hooks have changed.
func (a *account) renew(report bridge.Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addHookedBells()
	if a.meta.MAC != "" {
		report(a.devices()) // under the lock, as in meet
	}
}

// devices is the account's one device. The lock is held.
func (a *account) devices() bridge.Devices {
	return bridge.Devices{Source: "station", All: []bridge.Device{a.describe(a.meta, a.relays, a.bells)}}
}

// station returns the id of the grant's station, "" until it is known.
func (a *account) station() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mac
}

// described tells whether the device was reported in this run, so that its
// entities take facts.
func (a *account) described() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.meta.MAC != ""
}

func (a *account) ref(entity string) bridge.Ref {
	return bridge.Ref{Device: a.station(), Entity: entity}
}
