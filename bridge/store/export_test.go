package store

import (
	"strconv"

	"go.etcd.io/bbolt"
)

// At calls f at every named point of a store's writing.
func (o Options) At(f func(point string)) Options {
	o.point = f
	return o
}

// Ring makes the opening log as small as a test wants it.
func (o Options) Ring(records uint64) Options {
	o.ring = records
	return o
}

// Schema is the version of what lies in the database.
const Schema = schema

// KeptGenerations is how many replaced records an account keeps.
const KeptGenerations = keptGenerations

// SetSchema rewrites the schema number of a closed database.
func SetSchema(t interface{ Fatal(...any) }, path string, number int) {
	Tamper(t, path, func(tx *bbolt.Tx) error {
		value := clearValue(bucketAbout, nameSchema, strconv.Itoa(number))
		return tx.Bucket([]byte(bucketAbout)).Put([]byte(nameSchema), value)
	})
}

// WithoutLog makes a closed database one of the schema before the opening log.
func WithoutLog(t interface{ Fatal(...any) }, path string) {
	Tamper(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(bucketOpenings)) })
	SetSchema(t, path, schemaWithoutLog)
}

// Tamper changes a closed database as another program would that knows bbolt.
func Tamper(t interface{ Fatal(...any) }, path string, change func(*bbolt.Tx) error) {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(change); err != nil {
		t.Fatal(err)
	}
}
