package store

import (
	"bytes"
	"testing"
	"time"
)

func FuzzDecodeCredential(f *testing.F) {
	f.Add([]byte{})
	f.Add(credential{generation: 7, saved: time.UnixMilli(1_800_000_000_000), record: []byte("record")}.encode())
	f.Add(make([]byte, credentialHead))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCredential(data)
		if err != nil {
			return
		}
		if c.generation == 0 {
			t.Error("generation 0 was let through")
		}
		if got := c.encode(); !bytes.Equal(got, data) {
			t.Errorf("decoded %x, encodes to %x", data, got)
		}
	})
}

func TestSealedValues(t *testing.T) {
	s, err := newSealer(newKey())
	if err != nil {
		t.Fatal(err)
	}
	other, err := newSealer(newKey())
	if err != nil {
		t.Fatal(err)
	}
	value := s.seal(bucketNotes, "gate", []byte("secret"))
	resum := func(bucket, name string, value []byte) []byte { // damaged by somebody who knows the sum
		return addSum(bucket, name, bytes.Clone(value[:len(value)-sumSize]))
	}
	spoilt := bytes.Clone(value)
	spoilt[5] ^= 1
	cases := []struct {
		name       string
		seal       *sealer
		bucket, as string
		value      []byte
		want       error
	}{
		{"sound", s, bucketNotes, "gate", value, nil},
		{"another name", s, bucketNotes, "yard", value, errSum},
		{"another name, sum mended", s, bucketNotes, "yard", resum(bucketNotes, "yard", value), errForeign},
		{"another bucket, sum mended", s, bucketRecords, "gate", resum(bucketRecords, "gate", value), errForeign},
		{"another key", other, bucketNotes, "gate", value, errForeign},
		{"spoilt", s, bucketNotes, "gate", spoilt, errSum},
		{"spoilt, sum mended", s, bucketNotes, "gate", resum(bucketNotes, "gate", spoilt), errForeign},
		{"empty", s, bucketNotes, "gate", nil, errSum},
		{"in clear", s, bucketNotes, "gate", clearValue(bucketNotes, "gate", "secret"), errSum},
		{"nothing sealed", s, bucketNotes, "gate", addSum(bucketNotes, "gate", []byte{kindSealed}), errForeign},
		{"unknown bucket", s, "else", "gate", resum("else", "gate", value), errSum},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plain, err := c.seal.open(c.bucket, c.as, c.value)
			if err != c.want || (err == nil) != (string(plain) == "secret") {
				t.Errorf("got %q, %v, want error %v", plain, err, c.want)
			}
		})
	}
	if again := s.seal(bucketNotes, "gate", []byte("secret")); bytes.Equal(again, value) {
		t.Error("two seals of one text are equal: the nonce is not random")
	}
}
