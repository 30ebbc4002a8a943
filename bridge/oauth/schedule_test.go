package oauth_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sort"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge/oauth"
)

// many is a store of n accounts that were signed in before, each with an hour's
// token that has ended, and the vendor that knows them.
func many(n int) (*memory, *vendor) {
	v, m := newVendor(), newMemory()
	for i := range n {
		access, refresh := v.grant(0, "anna")
		at := time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339Nano)
		ends := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)
		id := fmt.Sprintf("a%05d", i)
		m.records[id] = fmt.Appendf(nil, `{"v":1,"pair":{"access":%q,"refresh":%q,"obtained":%q,"expires":%q},"identity":"anna"}`, access, refresh, at, ends)
		m.gens[id] = 1
	}
	return m, v
}

// 10,000 accounts whose tokens have all ended are renewed at the rate of the
// limit, with no burst; one that somebody waits for goes first.
func TestSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 10_000
		m, v := many(n)
		v.delay, v.oldDies = 300*time.Millisecond, false
		k := oauth.New(oauth.Options{Store: m, Transport: v})
		for i := range n {
			if err := k.Add(oauth.Account{ID: fmt.Sprintf("a%05d", i), Dialect: dialect()}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(100 * time.Second)
		began := time.Now()
		if _, err := k.Tokens("a09999").Bearer(context.Background(), ""); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("a caller waited %s behind thousands of accounts that nobody waits for", took)
		}
		time.Sleep(1000 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}

		var at []time.Time
		asked := map[string]bool{}
		for _, c := range v.calls {
			if c.what == "refresh" {
				at = append(at, c.at)
				asked[c.token] = true
			}
		}
		sort.Slice(at, func(i, j int) bool { return at[i].Before(at[j]) })
		if len(asked) != n {
			t.Errorf("%d accounts were renewed, want all %d", len(asked), n)
		}
		for i := 16; i < len(at); i++ {
			if gap := at[i].Sub(at[i-16]); gap < time.Second {
				t.Fatalf("16 calls within %s, want 10 a second and at most 5 at once", gap)
			}
		}
		if v.most > 16 {
			t.Errorf("%d calls at once, want at most 16", v.most)
		}
	})
}

// A vendor that hangs holds up the schedule, not those who wait for another account.
func TestHangingVendor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, v := many(100)
		v.delay = time.Hour
		k := oauth.New(oauth.Options{Store: m, Transport: v})
		for i := range 99 {
			_ = k.Add(oauth.Account{ID: fmt.Sprintf("a%05d", i), Dialect: dialect()})
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(10 * time.Second)
		v.mu.Lock()
		if v.most != 16 {
			t.Errorf("%d calls hang, want the schedule's 16", v.most)
		}
		v.delay = 0
		v.mu.Unlock()
		_ = k.Add(oauth.Account{ID: "a00099", Dialect: dialect()})
		began := time.Now()
		if _, err := k.Tokens("a00099").Bearer(context.Background(), ""); err != nil || time.Since(began) > time.Second {
			t.Errorf("Bearer() = %v after %s", err, time.Since(began))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Memory and goroutines of 10,000 idle accounts. A test of its figure would be a
// timed test; the benchmark reports it.
func BenchmarkIdleAccount(b *testing.B) {
	const n = 10_000
	m, v := many(n)
	log := slog.New(slog.DiscardHandler)
	for b.Loop() {
		before := heapInUse()
		goroutines := runtime.NumGoroutine()
		k := oauth.New(oauth.Options{Store: m, Transport: v, Log: log})
		for i := range n {
			if err := k.Add(oauth.Account{ID: fmt.Sprintf("a%05d", i), Dialect: dialect(), Moved: true}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heapInUse()-before)/n, "B/account")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")
		runtime.KeepAlive(k)
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapInuse + s.StackInuse
}

// running is a keeper outside of virtual time.
func running(b *testing.B) (*oauth.Keeper, *vendor) {
	v := newVendor()
	k := oauth.New(oauth.Options{Store: newMemory(), Transport: v})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- k.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	if err := k.Add(oauth.Account{ID: "gate", Dialect: dialect()}); err != nil {
		b.Fatal(err)
	}
	begun, err := k.Begin("gate", back, "")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := k.Finish(ctx, oauth.Callback{State: begun.State, Code: "code-of-anna"}); err != nil {
		b.Fatal(err)
	}
	return k, v
}

func BenchmarkBearer(b *testing.B) {
	k, _ := running(b)
	tokens, ctx := k.Tokens("gate"), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Bearer(ctx, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBearerParallel(b *testing.B) {
	k, _ := running(b)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		tokens, ctx := k.Tokens("gate"), context.Background()
		for p.Next() {
			if _, err := tokens.Bearer(ctx, ""); err != nil {
				b.Error(err)
			}
		}
	})
}

// One refresh from the 401 to the durable pair, over a store in memory: the
// keeper's own share.
func BenchmarkRefresh(b *testing.B) {
	const n = 2000
	for b.Loop() {
		b.StopTimer()
		m, v := many(n)
		v.oldDies = false
		k := oauth.New(oauth.Options{Store: m, Transport: v, PerSecond: 1 << 30, Parallel: 1})
		for i := range n {
			if err := k.Add(oauth.Account{ID: fmt.Sprintf("a%05d", i), Dialect: dialect()}); err != nil {
				b.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		b.StartTimer()
		began := time.Now()
		go func() { done <- k.Run(ctx) }()
		for i := range n {
			if _, err := k.Tokens(fmt.Sprintf("a%05d", i)).Bearer(ctx, ""); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/n, "ns/refresh")
		cancel()
		<-done
	}
}
