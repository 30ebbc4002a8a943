package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "dev"

func versionCommand() command {
	return command{
		name: "version", summary: "version, commit, Go",
		run: func(_ context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("version")
			}
			fmt.Fprintf(p.out, "latchkey %s, commit %s, %s\n", version, commit(), runtime.Version())
			return exitOK
		},
	}
}

// commit is what the Go tool noted about the checkout, if it did.
func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
