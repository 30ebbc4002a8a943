package bridgetest

import (
	"sync"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
)

// Vendor says how [RunVendor] reaches a vendor on its simulator.
type Vendor struct {
	Driver bridge.Driver
	// Sim makes a simulated cloud in which things have happened before anybody
	// looks: what is old must not be told as news.
	Sim func(t testing.TB) simkit.Sim
	// Settings are the lines of an account, as they stand below its id but for
	// vendor, base_url and options; Options is the value of `options:` on one line
	// ("": none). {base} stands for the simulator's address.
	Settings, Options string
	// Person signs in; the zero value where nobody has to (client credentials).
	Person simkit.Person
	// Other is somebody else; the zero value: the cloud does not tell whose account
	// it is, or nobody signs in.
	Other simkit.Person
	// Read names a call without arguments that asks the API.
	Read string
	// Write is one that moves something, and Sent the requests that it makes; the
	// zero value: the vendor moves nothing.
	Write Command
	Sent  Requests
	// Hops is how many requests one write makes at most, redirects included; 0 is 1.
	Hops int
	// Args are examples for the calls that need arguments.
	Args map[string]bridge.Args
	// Refused and NoClient are the states that a refused refresh token and a refused
	// client lead to; "" is login_needed and misconfigured. NoClient is not looked
	// at where the client has no secret.
	Refused, NoClient bridge.TokenState
}

// Command is a call by name.
type Command struct {
	Name string
	Args bridge.Args
}

// Requests are those of a pattern as [simkit.Fault] has it.
type Requests struct{ On, Holds string }

// RunVendor is the conformance suite: what every vendor must do whoever wrote it,
// in the rooms that the daemon is made of (configuration, store, keeper, client,
// operations, engine) and against its simulator over HTTP. The package's TestMain
// must be goleak's: it finds what a cancelled task leaves behind.
func RunVendor(t *testing.T, v Vendor) {
	var all sync.WaitGroup
	for _, check := range []struct {
		name string
		run  func(*testing.T, Vendor)
	}{
		{"an unknown key names its place", unknownKeys},
		{"the first poll is silent, a restart changes nothing", restarts},
		{"a task that comes before the devices are known", anyOrder},
		{"what does not exist is refused", unknownTargets},
		{"a 401 refreshes once", refreshesOnce},
		{"a refused refresh token", refusedGrant},
		{"a refused client", refusedClient},
		{"another person's sign-in waits for a yes", otherPerson},
		{"a refresh during a stop keeps the grant", stopsInRefresh},
		{"an OAuth server that talks nonsense", badTokenReplies},
		{"429 obeys Retry-After", tooMany},
		{"nonsense from the API is an error", badReplies},
		{"a refusal that repeats what it was sent", echoes},
		{"a write is sent once in every fault", writesOnce},
		{"cancelling ends everything", cancels},
		{"what is called revoked is dead", revokes},
	} {
		beside(t, &all, check.name, func(t *testing.T) { check.run(t, v) })
	}
	all.Wait()
}

// RunAnswers runs what a token goes through (used, renewed, refused, revoked) over
// answers of a simulator that the vendor's texts leave open.
func RunAnswers[S simkit.Sim](t *testing.T, v Vendor, answers map[string]func(S)) {
	var all sync.WaitGroup
	for name, choose := range answers {
		here := v
		here.Sim = func(t testing.TB) simkit.Sim {
			s := v.Sim(t)
			choose(s.(S))
			return s
		}
		for what, run := range map[string]func(*testing.T, Vendor){
			"a 401 refreshes once": refreshesOnce, "a refused refresh token": refusedGrant, "a refused client": refusedClient, "what is called revoked is dead": revokes,
		} {
			beside(t, &all, name+", "+what, func(t *testing.T) { run(t, here) })
		}
	}
	all.Wait()
}

// beside runs a subtest beside the others, however few processors there are: all
// of them wait for simulators and for what vendors are paced by.
func beside(t *testing.T, all *sync.WaitGroup, name string, run func(*testing.T)) {
	all.Go(func() { t.Run(name, run) })
}
