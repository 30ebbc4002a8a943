package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"latchkey/bridge/daemon"
	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

func logCommand() command {
	var asJSON, verify bool
	return command{
		name: "log", args: "[--json] [--verify]", summary: "the opening log, the newest last; --verify proves it, exit 1 where it cannot",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&asJSON, "json", false, "one JSON object a line")
			f.BoolVar(&verify, "verify", false, "say whether all records are there and as latchkey wrote them")
		},
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("log [--json] [--verify]")
			}
			log, err := p.readLog(ctx, verify)
			if err != nil {
				return p.refused(err)
			}
			switch {
			case asJSON:
				err = encodeLog(p.out, log)
			case verify:
				printProof(p.out, *log.Proof)
			default:
				err = printLog(p.out, log.Openings)
			}
			if err != nil {
				return p.refused(err)
			}
			if verify && !log.Proof.OK() {
				return exitFailure
			}
			return exitOK
		},
	}
}

// readLog asks the daemon, or reads the store where none runs.
func (p *program) readLog(ctx context.Context, verify bool) (daemon.Log, error) {
	log, err := either(p, func(client *web.Client) (log daemon.Log, err error) {
		answer, err := client.Log(ctx, verify)
		if err == nil {
			err = json.Unmarshal(answer, &log)
		}
		return log, err
	}, func(s *store.Store) (daemon.Log, error) { return daemon.ReadLog(s, verify) })
	if err == nil && verify && log.Proof == nil {
		err = errors.New("the daemon's answer holds no proof: is it of another version?")
	}
	return log, err
}

func encodeLog(w io.Writer, log daemon.Log) error {
	out := json.NewEncoder(w)
	if log.Proof != nil {
		return out.Encode(log.Proof)
	}
	for _, o := range log.Openings {
		if err := out.Encode(o); err != nil {
			return err
		}
	}
	return nil
}

func printLog(w io.Writer, all []store.Opening) error {
	if len(all) == 0 {
		fmt.Fprintln(w, "nothing was asked for yet")
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, o := range all {
		fmt.Fprintf(out, "%d\t%s\t", o.Number, o.At.Local().Format(time.DateTime))
		if o.Note != "" {
			fmt.Fprintf(out, "%s\n", o.Note)
			continue
		}
		result := string(o.Reason)
		if o.Times > 1 {
			result += fmt.Sprintf(" (%d times until %s)", o.Times, o.Last.Local().Format(time.TimeOnly))
		}
		// A sender chooses the id and the action: quoted, so that they draw nothing
		// on a terminal.
		who := o.Source
		if o.ID != "" {
			who += " " + strconv.Quote(o.ID)
		}
		action := o.Action
		if quoted := strconv.Quote(action); quoted != `"`+action+`"` {
			action = quoted
		}
		what := strings.Join(strings.Fields(o.Account+" "+o.Device+" "+o.Entity+" "+action), " ")
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", what, result, who, o.Message)
	}
	return out.Flush()
}

func printProof(w io.Writer, p store.Proof) {
	switch {
	case !p.OK():
		fmt.Fprintf(w, "NOT PROVEN: %d records can be read\n", p.Records)
	case p.Last == 0:
		fmt.Fprintln(w, "proven: the log is empty")
	default:
		fmt.Fprintf(w, "proven: records %d to %d are all there and as latchkey wrote them\n", p.First, p.Last)
	}
	if p.Dropped > 0 {
		fmt.Fprintf(w, "  older ones, up to %d, made room and are gone\n", p.Dropped)
	}
	for _, f := range p.Faults {
		fmt.Fprintf(w, "  fault: %s\n", f)
	}
	for _, m := range p.Marks {
		fmt.Fprintf(w, "  note: %s\n", m)
	}
	if p.Head != "" {
		fmt.Fprintf(w, "  head %d %s\n", p.Last, p.Head)
	}
}
