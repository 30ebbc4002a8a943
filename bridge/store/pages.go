package store

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// The layout of a bbolt file (format 2, bbolt 1.5.0, internal/common): pages of
// one size, a header of 16 bytes each, numbers in the machine's byte order.
const (
	pageHeader  = 16 // id u64, flags u16, count u16, overflow u32
	pageElement = 16
	pageBranch  = 0x01
	pageLeaf    = 0x02
	pageFree    = 0x10

	bucketEntry = 0x01 // flag of a leaf element
	bucketSize  = 16   // root u64, sequence u64; root 0: the page follows inline

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64 // the last 8 are a sum over the rest
	noFreelist  = ^uint64(0)
)

var order = binary.NativeEndian

// meta is one of the two heads of a bbolt file: the state after one commit.
type meta struct {
	pageSize                   uint64
	root, freelist, high, txid uint64
}

// metas returns the valid heads, the newest first. Like bbolt it takes the page
// size from the first head, or looks for the second where it may lie.
func metas(r io.ReaderAt) []meta {
	size := uint64(0)
	if m, ok := readMeta(r, 0); ok {
		size = m.pageSize
	}
	for guess := uint64(1024); size == 0 && guess <= 1024<<14; guess *= 2 {
		if m, ok := readMeta(r, guess); ok {
			size = m.pageSize
		}
	}
	if size == 0 {
		return nil
	}
	var found []meta
	for _, at := range []uint64{0, size} {
		m, ok := readMeta(r, at)
		switch {
		case !ok || m.pageSize != size:
		case len(found) == 1 && m.txid > found[0].txid:
			found = []meta{m, found[0]}
		default:
			found = append(found, m)
		}
	}
	return found
}

func readMeta(r io.ReaderAt, at uint64) (meta, bool) {
	var page [pageHeader + metaSize]byte
	if _, err := r.ReadAt(page[:], int64(at)); err != nil {
		return meta{}, false
	}
	b := page[pageHeader:]
	h := fnv.New64a()
	h.Write(b[:metaSize-8])
	m := meta{
		pageSize: uint64(order.Uint32(b[8:])),
		root:     order.Uint64(b[16:]),
		freelist: order.Uint64(b[32:]),
		high:     order.Uint64(b[40:]),
		txid:     order.Uint64(b[48:]),
	}
	ok := order.Uint32(b) == metaMagic && order.Uint32(b[4:]) == metaVersion && order.Uint64(b[56:]) == h.Sum64()
	return m, ok && m.pageSize >= 1024 && m.pageSize <= 1024<<14
}

// walker reads every page that one head reaches, as bytes, never as memory. It
// goes on after a fault, so that it also finds what is left of a damaged file.
type walker struct {
	r    io.ReaderAt
	size uint64 // of the file
	meta
	seen  map[uint64]bool
	value func(bucket, name string, value []byte)
	names map[string]bool // of the buckets
	fault error           // the first one
}

// walk calls value for each value of the file. Bounds, order, types and
// references are checked as bbolt's own check does (tx_check.go), and the free
// list against the pages in use: one that names a used page lets bbolt overwrite it.
func walk(r io.ReaderAt, size int64, m meta, value func(bucket, name string, value []byte)) *walker {
	w := &walker{r: r, size: uint64(size), meta: m, seen: map[uint64]bool{}, names: map[string]bool{}, value: value}
	if m.high > w.size/m.pageSize {
		w.bad("the file is cut: %d bytes, %d pages of %d are in use", size, m.high, m.pageSize)
	}
	w.tree(m.root, func(flags uint32, name, header []byte) {
		if flags != bucketEntry || len(header) < bucketSize {
			w.bad("%.40q is no bucket", name)
			return
		}
		w.names[string(name)] = true
		leaf := func(flags uint32, key, value []byte) {
			if flags != 0 {
				w.bad("%.40q in bucket %.40q is no value", key, name)
				return
			}
			w.value(string(name), string(key), value)
		}
		if root := order.Uint64(header); root != 0 {
			w.tree(root, leaf)
		} else {
			w.node(header[bucketSize:], &span{}, true, leaf)
		}
	})
	w.free()
	return w
}

func (w *walker) bad(format string, args ...any) {
	if w.fault == nil {
		w.fault = fmt.Errorf(format, args...)
	}
}

// page reads a page with its overflow and notes that it is in use.
func (w *walker) page(id uint64) []byte {
	if id < 2 || id >= w.high {
		w.bad("page %d is outside the file", id)
		return nil
	}
	var head [pageHeader]byte
	if _, err := w.r.ReadAt(head[:], int64(id*w.pageSize)); err != nil {
		w.bad("page %d cannot be read: %v", id, err)
		return nil
	}
	more := uint64(order.Uint32(head[12:]))
	if order.Uint64(head[:]) != id || more >= w.high-id {
		w.bad("page %d has a bad head", id)
		return nil
	}
	for n := id; n <= id+more; n++ {
		if w.seen[n] {
			w.bad("page %d is used twice", n)
			return nil
		}
		w.seen[n] = true
	}
	if (id+more+1)*w.pageSize > w.size {
		w.bad("page %d is cut", id)
		return nil
	}
	page := make([]byte, (more+1)*w.pageSize)
	if _, err := w.r.ReadAt(page, int64(id*w.pageSize)); err != nil {
		w.bad("page %d cannot be read: %v", id, err)
		return nil
	}
	return page
}

// span is the order of names in one tree: the last one seen, and the least that
// may follow.
type span struct {
	last, least string
	any         bool
}

func (w *walker) tree(root uint64, leaf func(flags uint32, name, value []byte)) {
	if page := w.page(root); page != nil {
		w.node(page, &span{}, true, leaf)
	}
}

func (w *walker) node(page []byte, s *span, root bool, leaf func(flags uint32, name, value []byte)) {
	if len(page) < pageHeader {
		w.bad("a bucket is cut")
		return
	}
	kind, count := order.Uint16(page[8:]), uint64(order.Uint16(page[10:]))
	if (kind != pageLeaf && kind != pageBranch) || pageHeader+count*pageElement > uint64(len(page)) {
		w.bad("page %d has type %#x with %d elements", order.Uint64(page), kind, count)
		return
	}
	if count == 0 && (kind == pageBranch || !root) {
		w.bad("page %d is empty", order.Uint64(page))
	}
	// bbolt writes the content without gaps behind the elements, so that a count
	// or a size that changed shows.
	next := pageHeader + count*pageElement
	for i := range count {
		at := pageHeader + i*pageElement
		flags, start, keySize, valueSize, child := element(page[at:], kind)
		start += at
		end := start + keySize + valueSize
		if start != next {
			w.bad("page %d has a gap", order.Uint64(page))
		}
		if next = end; end > uint64(len(page)) || keySize == 0 {
			w.bad("page %d has a bad element", order.Uint64(page))
			continue
		}
		name := page[start : start+keySize]
		if s.any && string(name) <= s.last || string(name) < s.least {
			w.bad("page %d is out of order", order.Uint64(page))
		}
		if kind == pageBranch {
			s.least = string(name)
			if page := w.page(child); page != nil {
				w.node(page, s, false, leaf)
			}
			continue
		}
		s.any, s.last = true, string(name)
		leaf(flags, name, page[start+keySize:end])
	}
}

// element reads what a page of a kind says about one element: where its name
// starts, counted from e, the sizes, and the page that a branch leads to.
func element(e []byte, kind uint16) (flags uint32, start, keySize, valueSize, child uint64) {
	if kind == pageBranch {
		return 0, uint64(order.Uint32(e)), uint64(order.Uint32(e[4:])), 0, order.Uint64(e[8:])
	}
	return order.Uint32(e), uint64(order.Uint32(e[4:])), uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:])), 0
}

func (w *walker) free() {
	if w.freelist == noFreelist {
		return
	}
	page := w.page(w.freelist)
	if page == nil {
		return
	}
	count, ids := uint64(order.Uint16(page[10:])), page[pageHeader:]
	if count == 0xFFFF {
		count, ids = order.Uint64(ids), ids[8:]
	}
	if order.Uint16(page[8:]) != pageFree || count > uint64(len(ids)/8) {
		w.bad("the list of free pages is damaged")
		return
	}
	free := map[uint64]bool{}
	for i := range count {
		id := order.Uint64(ids[i*8:])
		if id < 2 || id >= w.high || free[id] || w.seen[id] {
			w.bad("page %d is free and used", id)
			return
		}
		free[id] = true
	}
}
