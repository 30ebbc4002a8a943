package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// Our reader sees in a file what bbolt sees, and no fault in what bbolt wrote.
func TestWalkAgreesWithBbolt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		path := filepath.Join(t.TempDir(), "db")
		size := rapid.SampledFrom([]int{1024, 4096, 16384}).Draw(r, "page size")
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: size, NoSync: true, NoGrowSync: true})
		if err != nil {
			r.Fatal(err)
		}
		defer db.Close()
		bucket := rapid.SampledFrom([]string{"a", "b", "c"})
		for range rapid.IntRange(0, 12).Draw(r, "commits") {
			err := db.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists([]byte(bucket.Draw(r, "bucket")))
				if err != nil {
					return err
				}
				for range rapid.IntRange(0, 60).Draw(r, "changes") {
					key := fmt.Appendf(nil, "%d", rapid.IntRange(0, 200).Draw(r, "key"))
					if rapid.Bool().Draw(r, "delete") {
						err = b.Delete(key)
					} else {
						err = b.Put(key, bytes.Repeat(key, rapid.SampledFrom([]int{0, 1, 40, 900, 9000}).Draw(r, "length")))
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				r.Fatal(err)
			}
		}
		want := map[string]string{}
		err = db.View(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error {
					want[string(name)+"/"+string(k)] = string(v)
					return nil
				})
			})
		})
		if err != nil {
			r.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			r.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			r.Fatal(err)
		}
		got := map[string]string{}
		w := walk(f, info.Size(), metas(f)[0], func(bucket, name string, value []byte) {
			got[bucket+"/"+name] = string(value)
		})
		if w.fault != nil {
			r.Fatalf("fault in a sound file: %v", w.fault)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("(-bbolt +ours):\n%s", diff)
		}
	})
}

// A flipped bit is seen by the reader or by the sum of a value, or what is read
// is the same; but for a head that is gone, behind which the commit before shows.
func TestWalkSeesFlippedBits(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if err := s.Record(fmt.Sprint("record ", i)).Save(bytes.Repeat([]byte{byte(i)}, 150)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	want, heads, seen := contentOf(whole)
	if seen || heads != 2 || len(want) != 60+4 {
		t.Fatalf("the sound file: %d values, %d heads, damage %v", len(want), heads, seen)
	}
	flips, unseen := 0, 0
	for at := 0; at < len(whole); at += 29 {
		data := bytes.Clone(whole)
		data[at] ^= 1 << (at % 8)
		flips++
		got, heads, seen := contentOf(data)
		if seen || heads < 2 {
			continue
		}
		unseen++
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("bit flipped at %d, unseen (-want +got):\n%s", at, diff)
		}
	}
	t.Logf("%d flips, %d where nothing lies", flips, unseen)
	if seen := flips - unseen; seen < flips/5 {
		t.Errorf("only %d of %d flips were seen", seen, flips)
	}
}

// contentOf reads a file that may be damaged.
func contentOf(data []byte) (content map[string]string, heads int, damage bool) {
	content = map[string]string{}
	r := bytes.NewReader(data)
	found := metas(r)
	if len(found) == 0 {
		return nil, 0, true
	}
	w := walk(r, int64(len(data)), found[0], func(bucket, name string, value []byte) {
		damage = damage || checkSum(bucket, name, value) != nil
		content[bucket+"/"+name] = string(value)
	})
	return content, len(found), damage || w.fault != nil
}

// What a bit cannot do: damages that look sound one by one.
func TestWalkRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 120 { // a branch with leaves, and free pages
		err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("b"))
			if err != nil {
				return err
			}
			return b.Put(fmt.Appendf(nil, "key %03d", i), make([]byte, 200))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := metas(bytes.NewReader(whole))[0]
	page := func(data []byte, id uint64) []byte { return data[id*head.pageSize : (id+1)*head.pageSize] }
	var branch uint64
	for id := uint64(2); id < head.high; id++ {
		w := walk(bytes.NewReader(whole), int64(len(whole)), head, func(_, _ string, _ []byte) {})
		if w.fault != nil {
			t.Fatal(w.fault)
		}
		if order.Uint16(page(whole, id)[8:]) == pageBranch && w.seen[id] {
			branch = id
		}
	}
	if branch == 0 {
		t.Fatal("there is no branch")
	}
	child := func(data []byte, n int) []byte { return page(data, branch)[pageHeader+n*pageElement+8:] }
	leaf := order.Uint64(child(whole, 1))
	cases := []struct {
		name, want string
		spoil      func(data []byte)
	}{
		{"free and used", "free and used", func(d []byte) { order.PutUint64(page(d, head.freelist)[pageHeader:], leaf) }},
		{"free twice", "free and used", func(d []byte) {
			ids := page(d, head.freelist)[pageHeader:]
			order.PutUint64(ids, order.Uint64(ids[8:]))
		}},
		{"no free list", "list of free pages", func(d []byte) { order.PutUint16(page(d, head.freelist)[8:], pageLeaf) }},
		{"free list too long", "list of free pages", func(d []byte) { order.PutUint16(page(d, head.freelist)[10:], 0xFFFE) }},
		{"one value less", "gap", func(d []byte) {
			count := page(d, leaf)[10:]
			order.PutUint16(count, order.Uint16(count)-1)
		}},
		{"two leaves swapped", "out of order", func(d []byte) {
			a, b := order.Uint64(child(d, 0)), order.Uint64(child(d, 1))
			order.PutUint64(child(d, 0), b)
			order.PutUint64(child(d, 1), a)
		}},
		{"a leaf twice", "used twice", func(d []byte) { copy(child(d, 1)[:8], child(d, 0)) }},
		{"a branch to itself", "used twice", func(d []byte) { order.PutUint64(child(d, 0), branch) }},
		{"a leaf outside", "outside the file", func(d []byte) { order.PutUint64(child(d, 0), head.high) }},
		{"the head as a leaf", "outside the file", func(d []byte) { order.PutUint64(child(d, 0), 1) }},
		{"a free page as a leaf", "", func(d []byte) { order.PutUint64(child(d, 0), order.Uint64(page(d, head.freelist)[pageHeader:])) }},
		{"an endless page", "bad head", func(d []byte) { order.PutUint32(page(d, leaf)[12:], 0xFFFFFFFF) }},
		{"an endless value", "bad element", func(d []byte) { order.PutUint32(page(d, leaf)[pageHeader+12:], 0xFFFFFFFF) }},
		{"an empty leaf", "is empty", func(d []byte) { order.PutUint16(page(d, leaf)[10:], 0) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			data := bytes.Clone(whole)
			c.spoil(data)
			w := walk(bytes.NewReader(data), int64(len(data)), head, func(_, _ string, _ []byte) {})
			if w.fault == nil || !strings.Contains(w.fault.Error(), c.want) {
				t.Errorf("fault %v, want one that says %q", w.fault, c.want)
			}
		})
	}
}
