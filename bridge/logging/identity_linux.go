package logging

import (
	"io/fs"
	"syscall"
)

// identity is what JOURNAL_STREAM names a stream by.
func identity(info fs.FileInfo) (device, inode uint64, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return uint64(s.Dev), s.Ino, true
}
