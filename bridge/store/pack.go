package store

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
)

// packFrom is the size in bytes from which a record is compressed. Documents of
// ten thousand devices are 70 MB that hardly differ, and one that changes writes
// them all: a twentieth of that is kinder to a memory card, and to the memory.
const packFrom = 64 << 10

// packed is what a compressed record begins with, and no JSON does.
var packed = []byte{0x1f, 0x8b}

func pack(record []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // the level is valid
	_, _ = w.Write(record)                            // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}

func unpack(record []byte) ([]byte, error) {
	var out bytes.Buffer
	r, err := gzip.NewReader(bytes.NewReader(record))
	if err == nil {
		out.Grow(int(binary.LittleEndian.Uint32(record[len(record)-4:])) + bytes.MinRead) // it ends with its size: no growing
		_, err = out.ReadFrom(r)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: unpack a record: %v", ErrDamaged, err)
	}
	return out.Bytes(), nil
}
