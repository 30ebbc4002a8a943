//go:build !linux

package logging

import "io/fs"

func identity(fs.FileInfo) (device, inode uint64, ok bool) { return 0, 0, false }
