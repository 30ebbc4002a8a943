package store

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// compactAbove is the size from which a database that is at least half empty is
// written anew at start: a bbolt file never shrinks by itself.
const compactAbove = 16 << 20

// inspection is what a database file is worth.
type inspection struct {
	size        int64
	schema      int    // 0: cannot be read
	check       []byte // the stored check value
	fault       error  // the first thing that is wrong with it
	pages, used uint64
}

func (i inspection) wasteful() bool { return i.size > compactAbove && i.used*2 < i.pages }

// inspect reads a whole database without a key: its structure, and the sum of
// every value.
func inspect(f *os.File) (inspection, error) {
	info, err := f.Stat()
	if err != nil {
		return inspection{}, err
	}
	found := inspection{size: info.Size()}
	if found.size == 0 {
		// bbolt would take it for a new one (hazard T16).
		found.fault = errors.New("the database is empty")
		return found, nil
	}
	heads := metas(f)
	if len(heads) == 0 {
		found.fault = errors.New("the database has no valid head")
		return found, nil
	}
	var damaged error
	origin := false
	w := walk(f, found.size, heads[0], func(bucket, name string, value []byte) {
		if err := checkSum(bucket, name, value); err != nil {
			damaged = fmt.Errorf("%s %q: %w", bucket, name, err)
			return
		}
		switch {
		case bucket == bucketAbout && name == nameSchema:
			found.schema, _ = strconv.Atoi(string(value[1 : len(value)-sumSize]))
		case bucket == bucketAbout && name == nameCheck:
			found.check = append([]byte(nil), value...)
		case bucket == bucketAbout && name == nameOrigin:
			origin = true
		}
	})
	found.pages, found.used = uint64(found.size)/w.pageSize, uint64(len(w.seen))
	if found.fault = w.fault; found.fault == nil {
		found.fault = damaged
	}
	if found.fault == nil && (found.schema == 0 || found.check == nil || !origin) {
		found.fault = errors.New("the database does not say what it is")
	}
	for _, name := range buckets {
		if found.schema == schemaWithoutLog && name == bucketOpenings {
			continue
		}
		if found.fault == nil && !w.names[name] {
			found.fault = fmt.Errorf("bucket %s is missing", name)
		}
	}
	return found, nil
}
