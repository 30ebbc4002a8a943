package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"latchkey/bridge/web"
)

func callCommand() command {
	return command{
		name: "call", args: "ACCOUNT NAME [key=value ...]", summary: "makes one named call and prints its result as JSON",
		run: func(ctx context.Context, p *program, args []string) int {
			const form = "call ACCOUNT NAME [key=value ...]"
			if len(args) < 2 {
				return p.misused(form)
			}
			ask := web.CallAsk{Account: args[0], Name: args[1], Args: map[string]json.RawMessage{}}
			for _, pair := range args[2:] {
				key, value, ok := strings.Cut(pair, "=")
				if _, twice := ask.Args[key]; !ok || key == "" || twice {
					return p.misused(form)
				}
				ask.Args[key] = argument(value)
			}
			var result json.RawMessage
			var ok bool
			err := p.speak(ctx, ask.Account, false, func(c *web.Client) (err error) {
				result, ok, err = c.Call(ctx, ask)
				return err
			})
			if result != nil {
				fmt.Fprintf(p.out, "%s\n", result)
			}
			if err != nil {
				return p.refused(err)
			}
			if !ok {
				return exitFailure
			}
			return exitOK
		},
	}
}

// argument is JSON where it reads as JSON, else a text. A text argument takes
// what looks like a number as well: the daemon knows the declaration.
func argument(value string) json.RawMessage {
	if json.Valid([]byte(value)) {
		return json.RawMessage(value)
	}
	text, _ := json.Marshal(value) // a string always encodes
	return text
}
