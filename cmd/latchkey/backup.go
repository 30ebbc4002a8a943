package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

func backupCommand() command {
	return command{
		name: "backup", args: "FILE", summary: "a consistent copy of the store, sealed with its key; also while the daemon runs",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 1 {
				return p.misused("backup FILE")
			}
			if err := p.backUp(ctx, args[0]); err != nil {
				return p.refused(err)
			}
			fmt.Fprintf(p.out, "%s holds everything that the store holds. It opens with the key of the store, which is not in it: keep a copy of that elsewhere.\n", args[0])
			return exitOK
		},
	}
}

// backUp makes file whole or not at all, and never writes over the store itself.
func (p *program) backUp(ctx context.Context, file string) (err error) {
	o, err := p.storeOptions()
	if err != nil {
		return err
	}
	if there, err := os.Stat(file); err == nil {
		if own, err := os.Stat(filepath.Join(o.Dir, "latchkey.db")); err == nil && os.SameFile(there, own) {
			return fmt.Errorf("%s is the store itself", file)
		}
		if !there.Mode().IsRegular() {
			return fmt.Errorf("%s is no file", file)
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp") // mode 0600
	if err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = either(p, func(c *web.Client) (struct{}, error) { return struct{}{}, c.Backup(ctx, tmp) },
		func(s *store.Store) (struct{}, error) { return struct{}{}, s.Backup(tmp) })
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
