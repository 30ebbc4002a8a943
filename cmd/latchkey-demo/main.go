// Command latchkey-demo shows latchkey on one machine without an account, a broker
// or a cloud: an embedded broker, simulated clouds and the real daemon, all on
// loopback, all thrown away at the end. `--once` runs the tour and exits with 0,
// or with 1 when any step failed; without it everything stays up to be tried.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	once := flag.Bool("once", false, "end after the tour: exit 0 when every step worked, else 1")
	verbose := flag.Bool("log", false, "show the daemon's log as well")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: latchkey-demo [--once] [--log]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := demo(ctx, *once, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "\nlatchkey-demo:", err)
		os.Exit(1)
	}
}

// demo sets the stage, plays the tour and takes everything down again.
func demo(ctx context.Context, once, verbose bool) (err error) {
	s, err := setStage(verbose)
	if err != nil {
		return err
	}
	defer func() {
		if closing := s.close(); err == nil {
			err = closing
		}
	}()
	say := newSay(os.Stdout)
	if err := tour(ctx, s, say, once); err != nil || once {
		return err
	}
	say.goodbye(s)
	<-ctx.Done()
	return nil
}
