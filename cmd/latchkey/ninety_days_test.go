package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
	"latchkey/bridge/simkit"
	"latchkey/bridge/store"
)

// season is ninety days of one daemon's keeper with five clouds.
type season struct {
	t      *testing.T
	dir    string
	clouds []*seasonCloud
	random *rand.Rand

	keeper *oauth.Keeper
	stop   func()

	mu      sync.Mutex
	clock   time.Duration // how far the wall clock is off
	trusted bool
}

// seasonCloud is one account's cloud. It answers in 300 ms, without a network.
type seasonCloud struct {
	*simkit.Kit
	id      string
	dialect bridge.Dialect
	mux     *http.ServeMux
	down    func(*http.Request) (*http.Response, error) // nil: it is well
	excused time.Time                                   // until then a read may fail
}

func (s *season) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GetConn != nil {
		trace.GetConn(r.URL.Host)
	}
	time.Sleep(300 * time.Millisecond)
	for _, c := range s.clouds {
		if c.id+".test" != r.URL.Host {
			continue
		}
		s.mu.Lock()
		down := c.down
		s.mu.Unlock()
		if down != nil {
			return down(r)
		}
		return c.serve(r), nil
	}
	return nil, &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}
}

func (c *seasonCloud) serve(r *http.Request) *http.Response {
	body := io.Reader(http.NoBody)
	if r.Body != nil {
		body = r.Body
	}
	in := httptest.NewRequest(r.Method, r.URL.String(), body)
	in.Header = r.Header
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, in)
	return w.Result()
}

// outages are the ways in which a cloud is away without having acted.
var outages = []func(*http.Request) (*http.Response, error){
	func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	},
	func(*http.Request) (*http.Response, error) { return nil, &net.DNSError{Err: "no such host"} },
	func(*http.Request) (*http.Response, error) { return page(502, "<html>bad gateway</html>"), nil },
	func(*http.Request) (*http.Response, error) {
		return page(200, "<html>sign in to the hotel</html>"), nil
	},
	func(*http.Request) (*http.Response, error) { return page(429, ""), nil },
}

func page(status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}
}

func newSeason(t *testing.T, seed uint64) *season {
	s := &season{t: t, dir: scratch(t), random: rand.New(rand.NewPCG(seed, 90)), trusted: true}
	for id, rules := range map[string]simkit.Rules{
		"rotates": {AccessLife: 6 * time.Hour, ReuseKills: true, OldAccess: simkit.OldAccessEnds},
		"same":    {AccessLife: 4 * time.Hour, Rotation: simkit.RotateSame},
		"on_use":  {AccessLife: 2 * time.Hour, Rotation: simkit.RotateOnUse, OldAccess: simkit.OldAccessEndsOnUse},
		"none":    {AccessLife: 24 * time.Hour, Rotation: simkit.RotateNone, OldAccess: simkit.OldAccessEnds},
		"app":     {AccessLife: 12 * time.Hour, Grants: []string{"client_credentials"}, AppOldEnds: true},
	} {
		rules.Clients = []simkit.Client{{ID: "c", Secret: "secret of c"}}
		c := &seasonCloud{Kit: simkit.New(id, rules), id: id, dialect: faultDialect("https://" + id + ".test"), mux: http.NewServeMux()}
		c.dialect.Identity = nil
		if id == "app" {
			c.dialect.Grant, c.dialect.Acquire = bridge.GrantClient, &bridge.Ask{URL: "https://app.test/token", Client: bridge.ClientParams,
				Params: []bridge.Param{{Name: "grant_type", Text: "client_credentials"}}}
			c.dialect.Authorize, c.dialect.Exchange, c.dialect.Refresh = nil, nil, nil
		}
		c.mux.HandleFunc("POST /token", c.Issuer.ServeToken)
		s.clouds = append(s.clouds, c)
	}
	return s
}

// boot starts the daemon's keeper on the same folder.
func (s *season) boot() {
	s.t.Helper()
	kept, err := store.Open(store.Options{Dir: s.dir, Key: faultKey, Keep: oauth.Keep})
	if err != nil {
		s.t.Fatal(err)
	}
	s.keeper = oauth.New(oauth.Options{Store: skewed{kept, s}, Transport: s, Owner: "here", ClockTrusted: s.believes,
		OnHealth: func(account string, h bridge.Health) {
			if h.UserAction != bridge.ActionNone {
				s.t.Errorf("%s: %s is asked to %s: %s %s", time.Now().Format(time.DateTime), account, h.UserAction, h.State, h.Reason)
			}
		}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.keeper.Run(ctx) }()
	for _, c := range s.clouds {
		if err := s.keeper.Add(oauth.Account{ID: c.id, Dialect: c.dialect, Keepalive: 168 * time.Hour}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		if err := kept.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

// reboot is a night without power and a clock that comes up wrong, which NTP
// mends in the third minute.
func (s *season) reboot() {
	s.stop()
	stopped := time.Now()
	time.Sleep(time.Duration(s.random.Int64N(int64(10 * time.Hour))))
	steps := []time.Duration{-30 * 365 * 24 * time.Hour, -26 * time.Hour, -time.Minute, 0, 3 * time.Hour, 40 * 24 * time.Hour}
	s.set(steps[s.random.IntN(len(steps))], false)
	s.boot()
	for _, c := range s.clouds {
		// A wait begins anew where the clock is not believed: that of an outage which has
		// just ended, or of one from before whose journal is open, for its token served.
		if c.down == nil && (c.excused.After(stopped) || s.keeper.Health(c.id).Failures > 0) {
			c.excused = time.Now().Add(16 * time.Minute)
		}
	}
	s.poll()
	time.Sleep(3 * time.Minute)
	s.poll()
	s.set(0, true)
	time.Sleep(time.Minute)
}

func (s *season) set(clock time.Duration, trusted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock, s.trusted = clock, trusted
}

func (s *season) believes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trusted
}

// poll is one read of each account, as bridge/cloud makes it.
func (s *season) poll() (good int) {
	for _, c := range s.clouds {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := c.read(ctx, s.keeper.Tokens(c.id))
		cancel()
		if err == nil {
			good++
		} else if time.Now().After(c.excused) {
			s.t.Errorf("%s: a read of %s: %v", time.Now().Format(time.DateTime), c.id, err)
		}
	}
	return good
}

func (c *seasonCloud) read(ctx context.Context, tokens bridge.Tokens) error {
	for range 2 {
		b, err := tokens.Bearer(ctx, "")
		if err != nil {
			return err
		}
		if _, ok := c.Issuer.Access(b.Token.Reveal()); ok {
			return nil
		}
		tokens.Refused(b)
	}
	return fmt.Errorf("two tokens in a row are refused")
}

// toggle begins an outage of a cloud, or ends it. A back-off of at most 15 minutes
// is still excused, and what a 429 asks for.
func (s *season) toggle(c *seasonCloud) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.down != nil {
		c.down, c.excused = nil, time.Now().Add(16*time.Minute)
		return
	}
	c.down, c.excused = outages[s.random.IntN(len(outages))], time.Now().Add(365*24*time.Hour)
}

// T6, T9, T13: ninety days of five accounts on five kinds of server, a real store,
// outages, reboots and clocks that come up wrong: nobody ever has to do anything,
// and each read outside an outage works.
func TestNinetyDays(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	synctest.Test(t, func(t *testing.T) {
		s := newSeason(t, seed)
		s.plant()
		s.boot()
		good, reboots, away := 0, 0, 0
		for end := time.Now().Add(90 * 24 * time.Hour); time.Now().Before(end) && !t.Failed(); {
			time.Sleep(20 * time.Minute)
			good += s.poll()
			if s.random.IntN(20) == 0 {
				away++
				s.toggle(s.clouds[s.random.IntN(len(s.clouds))])
			}
			if s.random.IntN(100) == 0 {
				reboots++
				s.reboot()
			}
		}
		for _, c := range s.clouds {
			if c.down != nil {
				s.toggle(c)
			}
		}
		time.Sleep(17 * time.Minute)
		if n := s.poll(); n != len(s.clouds) {
			t.Errorf("%d of %d accounts serve at the end", n, len(s.clouds))
		}
		s.stop()
		t.Logf("seed %d: %d reads, %d reboots, %d outages began or ended", seed, good, reboots, away)
	})
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

// plant stores grants that were signed in just now.
func (s *season) plant() {
	kept, err := store.Open(store.Options{Dir: s.dir, Key: faultKey})
	if err != nil {
		s.t.Fatal(err)
	}
	defer kept.Close()
	for _, c := range s.clouds {
		if c.id == "app" {
			continue
		}
		issued, now := c.Issuer.Issue("c", "", ""), time.Now().UTC()
		r := faultRecord{Version: 1, SignedIn: now, Pair: faultPair{Access: issued.Access, Refresh: issued.Refresh, Obtained: now, Expires: now.Add(issued.Life)}}
		if _, ok, err := kept.Save(s.t.Context(), c.id, 0, r.encode(s.t)); err != nil || !ok {
			s.t.Fatalf("plant: %v %v", ok, err)
		}
	}
}

// skewed is the store as a process sees it whose wall clock is off: stored times
// are as much off the other way.
type skewed struct {
	oauth.Store
	s *season
}

func (k skewed) Load(ctx context.Context, account string) ([]byte, uint64, error) {
	record, generation, err := k.Store.Load(ctx, account)
	return k.shift(record, -1), generation, err
}

func (k skewed) Save(ctx context.Context, account string, seen uint64, record []byte) (uint64, bool, error) {
	return k.Store.Save(ctx, account, seen, k.shift(record, 1))
}

func (k skewed) shift(record []byte, way time.Duration) []byte {
	k.s.mu.Lock()
	by := way * k.s.clock
	k.s.mu.Unlock()
	var v any
	if by == 0 || json.Unmarshal(record, &v) != nil {
		return record
	}
	shifted, _ := json.Marshal(shiftTimes(v, by)) // it was JSON a line ago
	return shifted
}

func shiftTimes(v any, by time.Duration) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = shiftTimes(v[name], by)
		}
	case []any:
		for i := range v {
			v[i] = shiftTimes(v[i], by)
		}
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.Add(by).Format(time.RFC3339Nano)
		}
	}
	return v
}
