package store_test

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"latchkey/bridge/store"
)

const pageSize = 4096

// T14: the power goes inside a commit. bbolt writes the new pages, syncs, writes
// one head, syncs. Whatever part of that reached the disk, the account has the
// record of before or of after; with the head there, that of after.
func TestPowerCutInsideCommit(t *testing.T) {
	dir := scratch(t)
	s := opened(t, store.Options{Dir: dir})
	save(t, s, "yard", "bystander")
	for i := range 8 { // a tree of several pages, whose free ones are used again
		save(t, s, "gate", strings.Repeat(strconv.Itoa(i), 1000))
		save(t, s, fmt.Sprint("account_", i), strings.Repeat("x", 1000))
	}
	save(t, s, "gate", "before")
	shut(t, s)
	before := files(t, dir)
	bare := maps.Clone(before)
	maps.DeleteFunc(bare, func(name, _ string) bool { return strings.HasPrefix(name, "copies/") })
	s = opened(t, store.Options{Dir: dir})
	save(t, s, "gate", "after")
	shut(t, s)
	after := files(t, dir)

	old, now := before["latchkey.db"], after["latchkey.db"]
	if len(old)%pageSize != 0 || len(now)%pageSize != 0 {
		t.Fatalf("odd file sizes %d and %d", len(old), len(now))
	}
	var heads, pages []int
	for at := 0; at < len(now); at += pageSize {
		if at >= len(old) || old[at:at+pageSize] != now[at:at+pageSize] {
			if at < 2*pageSize {
				heads = append(heads, at)
			} else {
				pages = append(pages, at)
			}
		}
	}
	if len(heads) != 1 || len(pages) < 3 || len(pages) > 12 {
		t.Fatalf("%d heads and %d pages changed, want 1 and a few", len(heads), len(pages))
	}
	head := heads[0]
	points := 0
	try := func(disk []byte, copies map[string]string, allowed ...string) {
		t.Helper()
		points++
		content := maps.Clone(copies)
		content["latchkey.db"] = string(disk)
		dir := folder(t, content)
		defer os.RemoveAll(dir)
		s, err := store.Open(store.Options{Dir: dir})
		if err != nil {
			t.Fatalf("point %d: %v", points, err)
		}
		defer s.Close()
		wantRecord(t, s, "yard", "bystander")
		got := load(t, s, "gate")
		for _, want := range allowed {
			if got == want {
				save(t, s, "gate", "later")
				return
			}
		}
		t.Errorf("point %d: record %q, want one of %q", points, got, allowed)
	}
	// mixed is the old file with the new pages of a set in it.
	mixed := func(set int) []byte {
		disk := []byte(old)
		if set != 0 && len(now) > len(old) {
			disk = append(disk, make([]byte, len(now)-len(old))...)
		}
		for i, at := range pages {
			if set&(1<<i) != 0 {
				copy(disk[at:], now[at:at+pageSize])
			}
		}
		return disk
	}
	all := 1<<len(pages) - 1
	for set := range all + 1 { // before the first sync: any of the pages
		try(mixed(set), before, "before")
	}
	for cut := 0; cut <= 80; cut += 4 { // after it: any part of the head
		disk := mixed(all)
		copy(disk[head:], now[head:head+cut])
		try(disk, before, "before", "after")
	}
	for set := range all { // a disk that confirmed pages which it did not write
		disk := mixed(set)
		copy(disk[head:], now[head:head+pageSize])
		try(disk, before, "before", "after")
		try(disk, after, "after")
	}
	for n := range pages { // one that wrote zeros, and no copies: the head before leads to all
		disk := []byte(now)
		for _, at := range pages[n:] {
			clear(disk[at : at+pageSize])
		}
		try(disk, bare, "before", "after")
	}
	t.Logf("%d points inside one commit, %d pages and a head", points, len(pages))
}
