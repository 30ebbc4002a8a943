package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"

	"latchkey/bridge"
)

// Why a value cannot be read.
var (
	errSum     = errors.New("the value is damaged")
	errForeign = errors.New("the value is sealed with another key")
)

// A stored value is one byte that tells how it is kept, the content, and a sum
// over where it belongs, how it is kept and the content.
const (
	kindClear  = 0 // content as it is: the schema number only
	kindSealed = 1 // nonce, ciphertext and tag
	sumSize    = 4
)

// purposeCopies seals the files in copies/; every other purpose is a bucket.
const purposeCopies = "copies"

// minKeyText is the shortest key text in bytes. HKDF spreads what entropy there
// is, it adds none: a key is to be random, not a password.
const minKeyText = 16

// sealer seals and opens values with the keys derived from one key text.
type sealer struct {
	id    string // 8 hex digits that name the key, not a part of it
	aeads map[string]cipher.AEAD
	chain []byte // authenticates the opening log
}

func newSealer(text bridge.Secret) (*sealer, error) {
	if len(text.Reveal()) < minKeyText {
		return nil, fmt.Errorf("%w: it has %d bytes, at least %d are needed", ErrKey, len(text.Reveal()), minKeyText)
	}
	derive := func(purpose string, size int) ([]byte, error) {
		return hkdf.Key(sha256.New, []byte(text.Reveal()), nil, "latchkey store 1: "+purpose, size)
	}
	id, err := derive("key id", 4)
	if err != nil {
		return nil, fmt.Errorf("derive key id: %v", err)
	}
	s := &sealer{id: hex.EncodeToString(id), aeads: map[string]cipher.AEAD{}}
	if s.chain, err = derive("chain of openings", 32); err != nil {
		return nil, fmt.Errorf("derive key for the chain of openings: %v", err)
	}
	for _, purpose := range append([]string{purposeCopies}, buckets...) {
		key, err := derive(purpose, 32)
		if err != nil {
			return nil, fmt.Errorf("derive key for %s: %v", purpose, err)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("make cipher for %s: %v", purpose, err)
		}
		if s.aeads[purpose], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("make cipher for %s: %v", purpose, err)
		}
	}
	return s, nil
}

// seal returns the stored form of plain under a name of a bucket.
func (s *sealer) seal(bucket, name string, plain []byte) []byte {
	aead := s.aeads[bucket]
	value := make([]byte, 1, 1+len(plain)+aead.Overhead()+sumSize)
	value[0] = kindSealed
	return addSum(bucket, name, aead.Seal(value, nil, plain, binding(bucket, name)))
}

// open returns a fresh copy of the content. The error is errSum or errForeign.
func (s *sealer) open(bucket, name string, value []byte) ([]byte, error) {
	if err := checkSum(bucket, name, value); err != nil {
		return nil, err
	}
	aead := s.aeads[bucket]
	if aead == nil || value[0] != kindSealed {
		return nil, errSum
	}
	plain, err := aead.Open(nil, nil, value[1:len(value)-sumSize], binding(bucket, name))
	if err != nil {
		return nil, errForeign
	}
	return plain, nil
}

// clearValue is the stored form of content that needs no key.
func clearValue(bucket, name, content string) []byte {
	return addSum(bucket, name, append([]byte{kindClear}, content...))
}

func binding(bucket, name string) []byte { return []byte(bucket + "\x00" + name) }

func addSum(bucket, name string, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value, sum(bucket, name, value))
}

func checkSum(bucket, name string, value []byte) error {
	cut := len(value) - sumSize
	if cut < 1 || binary.BigEndian.Uint32(value[cut:]) != sum(bucket, name, value[:cut]) {
		return errSum
	}
	return nil
}

func sum(bucket, name string, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(binding(bucket, name), table), table, value)
}
