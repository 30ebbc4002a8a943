package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

func restoreCommand() command {
	var takeOver bool
	const form = "restore [FILE] [--take-over]"
	return command{
		name: "restore", args: "[FILE] [--take-over]", summary: "puts a backup in place of the store; also while the daemon runs",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&takeOver, "take-over", false, "credentials of another installation now live here, and that one is gone for good")
		},
		run: func(ctx context.Context, p *program, args []string) int {
			var err error
			switch {
			case len(args) == 1:
				err = p.restore(ctx, args[0], takeOver)
			case len(args) == 0 && takeOver:
				_, err = either(p, func(c *web.Client) (struct{}, error) { return struct{}{}, c.TakeOver(ctx) },
					func(s *store.Store) (struct{}, error) { return struct{}{}, s.TakeOver() })
				if err == nil {
					fmt.Fprintln(p.out, "taken over: all credentials are renewed here from now on")
				}
			default:
				return p.misused(form)
			}
			if err != nil {
				return p.refused(err)
			}
			return exitOK
		},
	}
}

func (p *program) restore(ctx context.Context, file string, takeOver bool) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	defer f.Close()
	client, err := p.daemon()
	if err != nil {
		return err
	}
	done, err := client.Restore(ctx, f, takeOver)
	if errors.Is(err, web.ErrNoDaemon) {
		done, err = p.restoreAlone(file, takeOver)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "restored: credentials of %s\n", orDash(strings.Join(done.Accounts, ", ")))
	if done.Aside != "" {
		fmt.Fprintf(p.out, "The store before it is kept as %s; it is restored in the same way.\n", done.Aside)
	}
	if done.Moved {
		fmt.Fprintln(p.out, "It is of another installation. Two that renew the same credentials end them for both, so what rotates is not renewed here\n"+
			"before you sign in again, or say that the other one is gone for good: latchkey restore --take-over")
	}
	return nil
}

func (p *program) restoreAlone(file string, takeOver bool) (web.Replaced, error) {
	o, err := p.storeOptions()
	if err != nil {
		return web.Replaced{}, err
	}
	restored, err := store.RestoreBackup(o, file)
	if err != nil {
		return web.Replaced{}, err
	}
	// Opening it marks what is of another installation.
	s, err := store.Open(o)
	if err != nil {
		return web.Replaced{}, err
	}
	if takeOver {
		err = s.TakeOver()
	}
	return web.Replaced{Accounts: restored.Accounts, Aside: restored.Aside, Moved: restored.Moved && !takeOver}, errors.Join(err, s.Close())
}
