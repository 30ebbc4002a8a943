package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"latchkey/bridge/store"
)

// planted is a store with three accounts and some records, closed.
func planted(t testing.TB) map[string]string {
	t.Helper()
	dir := scratch(t)
	s := opened(t, store.Options{Dir: dir})
	for i := range 4 {
		for _, account := range accounts {
			save(t, s, account, fmt.Sprint("record ", i+1, " of ", account))
		}
	}
	for _, x := range slots(s) {
		if err := x.save(bytes.Repeat([]byte(x.name), 20)); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, s)
	return files(t, dir)
}

var accounts = []string{"gate", "yard", "z"}

// wantPlanted opens the folder and wants every account's last record. The
// records of the daemon may be lost, not changed.
func wantPlanted(t testing.TB, dir, what string) *store.Recovery {
	t.Helper()
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer s.Close()
	for _, account := range accounts {
		if got, want := load(t, s, account), "record 4 of "+account; got != want {
			t.Fatalf("%s: record of %s is %q, want %q", what, account, got, want)
		}
	}
	for _, x := range slots(s) {
		got, err := x.load()
		if want := bytes.Repeat([]byte(x.name), 20); err != nil || got != nil && !bytes.Equal(got, want) {
			t.Fatalf("%s: %s is %q, %v", what, x.name, got, err)
		}
	}
	save(t, s, "gate", "afterwards")
	return s.Recovered()
}

type damage struct {
	name string
	data []byte
}

// damages are ways in which a file is found after a power cut or on a bad disk.
func damages(whole []byte) (all []damage) {
	add := func(data []byte, name string, args ...any) {
		all = append(all, damage{fmt.Sprintf(name, args...), data})
	}
	for _, size := range []int{1, 15, 16, 80, 511, 1024, 4095, 4096, 4097, 8191, 8192, 8193, 12288, 16384, len(whole) / 2, len(whole) - 4096, len(whole) - 1} {
		add(whole[:size], "cut to %d", size)
	}
	add(bytes.Repeat([]byte{0}, len(whole)), "all zeros")
	add([]byte("accounts:\n  gate: {}\n"), "a text")
	for at := 0; at < len(whole); at += 4096 {
		page := func(fill func(p []byte)) []byte {
			data := bytes.Clone(whole)
			fill(data[at : at+4096])
			return data
		}
		add(page(func(p []byte) { clear(p) }), "page %d zeroed", at/4096)
		add(page(func(p []byte) { clear(p[512:]) }), "page %d half written", at/4096)
		add(page(func(p []byte) { copy(p, bytes.Repeat([]byte{0xFF}, 4096)) }), "page %d all ones", at/4096)
		add(page(func(p []byte) { copy(p, whole[3*4096:4*4096]) }), "page %d is another", at/4096)
	}
	for at := 0; at < len(whole); at += 61 {
		data := bytes.Clone(whole)
		data[at] ^= 1 << (at % 8)
		add(data, "bit flipped at %d", at)
	}
	return all
}

// T16: whatever happened to the file, the credentials come back and the damaged
// file stays, or the store is as it was.
func TestDamage(t *testing.T) {
	content := planted(t)
	recovered, aside := 0, 0
	all := damages([]byte(content["latchkey.db"]))
	for _, d := range all {
		dir := folder(t, content)
		write(t, database(dir), string(d.data))
		if r := wantPlanted(t, dir, d.name); r != nil {
			recovered++
			if r.Aside != "" {
				aside++
				if data, err := os.ReadFile(r.Aside); err != nil || !bytes.Equal(data, d.data) {
					t.Errorf("%s: the damaged file was not kept as it was (%v)", d.name, err)
				}
			}
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d damages: %d recovered, %d files set aside", len(all), recovered, aside)
	if aside < 60 {
		t.Errorf("only %d of %d damages were seen: the damages are too mild", aside, len(all))
	}
}

// Without copies a damage is mended from the file itself or refused untouched.
func TestDamageWithoutCopies(t *testing.T) {
	content := planted(t)
	for name := range content {
		if strings.HasPrefix(name, "copies/") {
			delete(content, name)
		}
	}
	refused, opens := 0, 0
	for _, d := range damages([]byte(content["latchkey.db"])) {
		dir := folder(t, content)
		write(t, database(dir), string(d.data))
		before := fingerprint(t, dir)
		s, err := store.Open(store.Options{Dir: dir})
		switch {
		case errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrNewer):
			refused++
			if after := fingerprint(t, dir); after != before {
				t.Errorf("%s: refused, but files changed:\n%s\nwere\n%s", d.name, after, before)
			}
		case err != nil:
			t.Errorf("%s: %v", d.name, err)
		default:
			opens++
			lost := map[string]bool{}
			if r := s.Recovered(); r != nil {
				for _, account := range r.Lost {
					lost[account] = true
				}
			}
			for _, account := range accounts {
				got := load(t, s, account)
				if !strings.HasSuffix(got, "of "+account) && !lost[account] && s.Recovered() == nil {
					t.Errorf("%s: record of %s is %q, and nothing was said", d.name, account, got)
				}
			}
			shut(t, s)
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d refused, %d opened", refused, opens)
	if refused == 0 || opens == 0 {
		t.Errorf("%d refused, %d opened: want some of both", refused, opens)
	}
}

// edit changes a closed database as another bbolt program would.
func edit(t *testing.T, dir string, change func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(database(dir), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestRecoveryIsTold(t *testing.T) {
	content := planted(t)
	cases := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		cause string
		aside bool
		from  []string // accounts that come from copies
	}{
		{"empty", func(t *testing.T, dir string) { write(t, database(dir), "") }, "empty", true, accounts},
		{"missing", func(t *testing.T, dir string) {
			if err := os.Remove(database(dir)); err != nil {
				t.Fatal(err)
			}
		}, "missing", false, accounts},
		{"cut", func(t *testing.T, dir string) { write(t, database(dir), content["latchkey.db"][:9000]) }, "cut", true, accounts},
		{"another program's", func(t *testing.T, dir string) {
			edit(t, dir, func(tx *bbolt.Tx) error {
				return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error { return tx.DeleteBucket(name) })
			})
		}, "does not say what it is", true, nil},
		{"a bucket is missing", func(t *testing.T, dir string) {
			edit(t, dir, func(tx *bbolt.Tx) error {
				if err := tx.DeleteBucket([]byte("credentials")); err != nil {
					return err
				}
				return tx.DeleteBucket([]byte("generations"))
			})
		}, "is missing", true, nil}, // the head of before the edit has all
		{"a foreign bucket", func(t *testing.T, dir string) {
			edit(t, dir, func(tx *bbolt.Tx) error {
				if err := tx.DeleteBucket([]byte("credentials")); err != nil {
					return err
				}
				b, err := tx.CreateBucket([]byte("credentials"))
				if err != nil {
					return err
				}
				_, err = b.CreateBucket([]byte("gate"))
				return err
			})
		}, "is no value", true, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, content)
			c.spoil(t, dir)
			var log bytes.Buffer
			s := opened(t, store.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
			r := s.Recovered()
			if r == nil || !strings.Contains(r.Cause, c.cause) || (r.Aside != "") != c.aside {
				t.Fatalf("recovery %+v, want cause %q, aside %v", r, c.cause, c.aside)
			}
			if c.aside && !strings.HasPrefix(filepath.Base(r.Aside), "latchkey.db.damaged-") {
				t.Errorf("set aside as %s", r.Aside)
			}
			if diff := cmp.Diff(c.from, r.Accounts); diff != "" {
				t.Errorf("accounts (-want +got):\n%s", diff)
			}
			says := []string{"level=WARN", "store was recovered", c.cause}
			for _, account := range c.from {
				says = append(says, "account="+account)
			}
			for _, want := range says {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log does not say %q:\n%s", want, &log)
				}
			}
			for _, account := range accounts {
				wantRecord(t, s, account, "record 4 of "+account)
			}
			shut(t, s)
			if s = opened(t, store.Options{Dir: dir}); s.Recovered() != nil {
				t.Errorf("recovered again: %+v", s.Recovered())
			}
		})
	}
}

// One account's values are spoilt in the database and in the copies: it is
// named, the others and the records live on.
func TestLostAccount(t *testing.T) {
	content := planted(t)
	data := []byte(content["latchkey.db"])
	// In a leaf the name stands before its value: spoil what follows every "yard".
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte("yard"))
		if i < 0 {
			break
		}
		at += i + len("yard")
		for j := at + 12; j < min(at+20, len(data)); j++ {
			data[j] ^= 0x55
		}
	}
	content["latchkey.db"] = string(data)
	for name := range content {
		if strings.HasPrefix(name, "copies/yard.") {
			content[name] = content[name][:10]
		}
	}
	s := opened(t, store.Options{Dir: folder(t, content)})
	r := s.Recovered()
	if r == nil {
		t.Fatal("nothing was said")
	}
	if len(r.Accounts) != 0 {
		t.Errorf("accounts %v came from copies, want none", r.Accounts)
	}
	if diff := cmp.Diff([]string{"yard"}, r.Lost); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	wantRecord(t, s, "gate", "record 4 of gate")
	wantRecord(t, s, "z", "record 4 of z")
	wantRecord(t, s, "yard", "")
	if got, err := s.Record("ledger").Load(); err != nil || got == nil {
		t.Errorf("the ledger is %q, %v", got, err)
	}
}

// A disk that lost commits it had confirmed: the copies are newer.
func TestOlderDatabase(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	save(t, s, "gate", "one")
	shut(t, s)
	old := files(t, dir)["latchkey.db"]
	s = opened(t, store.Options{Dir: dir})
	save(t, s, "gate", "two")
	save(t, s, "yard", "one")
	shut(t, s)
	write(t, database(dir), old)
	s = opened(t, store.Options{Dir: dir})
	wantRecord(t, s, "gate", "two")
	wantRecord(t, s, "yard", "one")
	if r := s.Recovered(); r == nil || !cmp.Equal(r.Accounts, []string{"gate", "yard"}) {
		t.Errorf("recovery %+v, want gate and yard", r)
	}
}

// The disk fails under the open store: an error, not the end of the program
// (bbolt maps the file, so this is a memory fault), and the next start mends it.
func TestCutWhileOpen(t *testing.T) {
	dir := folder(t, planted(t))
	s := opened(t, store.Options{Dir: dir})
	if err := os.Truncate(database(dir), 8192); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Load(t.Context(), "gate"); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("load: %v, want ErrDamaged", err)
	}
	select {
	case <-s.Failed():
	default:
		t.Error("Failed is not closed")
	}
	if err := s.Record("other").Save([]byte("x")); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("record: %v, want ErrDamaged", err)
	}
	shut(t, s)
	if r := wantPlanted(t, dir, "cut while open"); r == nil {
		t.Error("nothing was said")
	}
}

// A pair that arrives while the database breaks is kept all the same.
func TestSaveWhileBroken(t *testing.T) {
	dir := folder(t, planted(t))
	s := opened(t, store.Options{Dir: dir})
	_, seen, err := s.Load(t.Context(), "gate")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(database(dir), 8192); err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // the second is that of a logout, say
		generation, ok, err := s.Save(t.Context(), "gate", seen, []byte(fmt.Sprint("late ", i)))
		if err != nil || !ok || generation != seen+1 {
			t.Fatalf("save: generation %d, ok %v, %v; want %d", generation, ok, err, seen+1)
		}
		seen = generation
	}
	if _, ok, err := s.Save(t.Context(), "../gate", 1, []byte("x")); err == nil || ok {
		t.Errorf("an odd account: ok %v, %v", ok, err)
	}
	shut(t, s)
	wantRecord(t, opened(t, store.Options{Dir: dir}), "gate", "late 1")
}

// Records are bound to their place: one account's cannot be passed off as
// another's, neither in copies nor in the database.
func TestSwappedRecords(t *testing.T) {
	content := planted(t)
	delete(content, "latchkey.db")
	for name, data := range content {
		if rest, ok := strings.CutPrefix(name, "copies/gate."); ok {
			content["copies/yard."+rest] = data
			delete(content, name)
		}
	}
	s := opened(t, store.Options{Dir: folder(t, content)})
	wantRecord(t, s, "gate", "")
	wantRecord(t, s, "yard", "")
	wantRecord(t, s, "z", "record 4 of z")
}
