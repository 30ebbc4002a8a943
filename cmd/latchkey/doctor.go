package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"latchkey/bridge/daemon"
	"latchkey/bridge/web"
)

func doctorCommand() command {
	var asJSON bool
	return command{
		name: "doctor", args: "[--json]", summary: "looks at broker, access rules, clock, disk, files and sign-ins; exit 1 for a problem",
		flags: func(f *flag.FlagSet) { f.BoolVar(&asJSON, "json", false, "as JSON") },
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("doctor [--json]")
			}
			found, err := p.examine(ctx)
			if err == nil && asJSON {
				err = encode(p.out, found)
			} else if err == nil {
				err = printDiagnosis(p.out, found)
			}
			if err != nil {
				return p.refused(err)
			}
			if found.Ill() {
				return exitFailure
			}
			return exitOK
		},
	}
}

// examine asks the daemon, which has all secrets at hand, or looks by itself.
func (p *program) examine(ctx context.Context) (web.Diagnosis, error) {
	client, err := p.daemon()
	if err != nil {
		return web.Diagnosis{}, err
	}
	found, err := client.Doctor(ctx)
	if errors.Is(err, web.ErrNoDaemon) {
		found, err = daemon.Examine(ctx, p.daemonOptions())
		found.Findings = append([]web.Finding{{About: "daemon", Grade: web.Notice, Message: "latchkey does not run; this is seen from the command line", Advice: "systemctl start latchkey"}}, found.Findings...)
	}
	return found, err
}

func printDiagnosis(w io.Writer, found web.Diagnosis) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range found.Findings {
		fmt.Fprintf(out, "%s\t%s\t%s\n", f.Grade, f.About, f.Message)
		if f.Advice != "" {
			fmt.Fprintf(out, "\t\t-> %s\n", f.Advice)
		}
	}
	fmt.Fprintf(out, "\nAccess rules for a Mosquitto (acl_file):\n\n%s", found.ACL)
	return out.Flush()
}
