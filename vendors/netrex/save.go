package netrex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"latchkey/bridge"
)

// saveMost is the size of the largest recording that is saved.
const saveMost = 8 << 30

// save puts a prepared recording into the folder of the configuration, whole or not
// at all, and returns its path. Whether the address wants the token is not known: it
// is asked with it, and therefore on the cloud's own host only.
func (a *account) save(ctx context.Context, p preparation, r recording) (path string, err error) {
	stale, _ := filepath.Glob(filepath.Join(a.options.Save, ".latchkey-"+a.id+"-*")) // of a crash: there is one at a time
	for _, old := range stale {
		_ = os.Remove(old)
	}
	part, err := os.CreateTemp(a.options.Save, ".latchkey-"+a.id+"-*")
	if err != nil {
		return "", unsaved(err)
	}
	defer func() {
		_ = part.Close()
		if err != nil {
			_ = os.Remove(part.Name())
		}
	}()
	file := &disk{file: part}
	reply, err := a.cloud.Read(ctx, bridge.Request{Path: string(r.Link), Accept: "video/mp4, */*;q=0.5", Into: file, Limit: saveMost})
	f, isFailure := errors.AsType[*bridge.Failure](err)
	switch {
	case file.err != nil:
		return "", unsaved(file.err)
	case isFailure && f.Reason == bridge.ReasonDenied:
		return "", &bridge.Failure{Reason: bridge.ReasonRejected, Message: "the recording is not on the cloud's own host, so it is not fetched"}
	case err != nil:
		return "", err
	case strings.HasPrefix(reply.Type, "text/") || reply.Type == "application/json":
		return "", &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: reply.Status, Message: "the cloud answered with " + reply.Type + " instead of a recording"}
	}
	path = filepath.Join(a.options.Save, fmt.Sprintf("%s_%s_%d_%s.mp4", p.since.UTC().Format("20060102T150405Z"), bridge.DeviceID(cmp.Or(string(p.node), "unknown")), p.height, bridge.DeviceID(p.id)))
	for _, step := range []func() error{func() error { return part.Chmod(0o640) }, part.Sync, part.Close, func() error { return os.Rename(part.Name(), path) }} {
		if err = step(); err != nil {
			return "", unsaved(err)
		}
	}
	return path, nil
}

// unsaved is a fault of this machine: fetching once more would not mend it.
func unsaved(err error) error {
	return &bridge.Failure{Reason: bridge.ReasonRejected, Message: fmt.Sprintf("the recording cannot be saved: %v", err)}
}

// disk remembers a fault of the file, which is none of the cloud's.
type disk struct {
	file *os.File
	err  error
}

func (d *disk) Write(b []byte) (n int, err error) {
	n, err = d.file.Write(b)
	d.err = err
	return n, err
}
