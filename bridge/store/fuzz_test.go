package store_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"latchkey/bridge/store"
)

// Any bytes as a database, or in a sound one: no panic, no other record than the
// last, and what is refused is left alone.
func FuzzDatabase(f *testing.F) {
	content := planted(f)
	whole := []byte(content["latchkey.db"])
	f.Add(0, []byte{})
	f.Add(-1, []byte("no database"))
	f.Add(8192, bytes.Repeat([]byte{0xFF}, 16))
	f.Add(4096+16, []byte("head"))
	f.Fuzz(func(t *testing.T, at int, patch []byte) {
		data := patch
		if at >= 0 {
			data = bytes.Clone(whole)
			copy(data[at%len(data):], patch)
		}
		dir := folder(t, content)
		write(t, database(dir), string(data))
		before := fingerprint(t, dir)
		s, err := store.Open(store.Options{Dir: dir})
		if errors.Is(err, store.ErrNewer) && fingerprint(t, dir) == before {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, account := range accounts {
			wantRecord(t, s, account, "record 4 of "+account)
		}
		shut(t, s)
	})
}

// Any bytes as the copies: an account's record comes back or does not, never
// another one.
func FuzzCopy(f *testing.F) {
	content := planted(f)
	delete(content, "latchkey.db")
	var names []string
	for name := range content {
		if len(name) > 12 && name[:12] == "copies/gate." {
			names = append(names, name)
			f.Add([]byte(content[name]))
		}
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := folder(t, content)
		for _, name := range names {
			write(t, dir+"/"+name, string(data))
		}
		s, err := store.Open(store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if got := load(t, s, "gate"); got != "" && got != "record 4 of gate" && got != "record 3 of gate" {
			t.Errorf("record %q out of a spoilt copy", got)
		}
		wantRecord(t, s, "z", "record 4 of z")
		shut(t, s)
		os.RemoveAll(dir)
	})
}
