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

// KeptGenerations is how many replaced records an account keeps.
const KeptGenerations = keptGenerations

// SetSchema rewrites the schema number of a closed database.
func SetSchema(t interface{ Fatal(...any) }, path string, number int) {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		value := clearValue(bucketAbout, nameSchema, strconv.Itoa(number))
		return tx.Bucket([]byte(bucketAbout)).Put([]byte(nameSchema), value)
	})
	if err != nil {
		t.Fatal(err)
	}
}
