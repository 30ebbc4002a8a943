package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"strings"

	"latchkey/bridge/web"
)

func loginCommand() command {
	var paste, confirm bool
	return command{
		name: "login", args: "ACCOUNT [--paste]", summary: "signs in at the vendor, in a browser",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&paste, "paste", false, "print the vendor's URL and take the address that the browser ended on")
			f.BoolVar(&confirm, "confirm", false, "accept the last sign-in although it is of another station or user than before")
		},
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 1 {
				return p.misused("login ACCOUNT [--paste | --confirm]")
			}
			var done web.SignedIn
			err := p.speak(ctx, args[0], !confirm && !paste, func(c *web.Client) (err error) {
				switch {
				case confirm:
					done, err = c.Confirm(ctx, args[0])
				case paste:
					done, err = p.loginByPaste(ctx, c, args[0])
				default:
					done, err = c.Login(ctx, args[0], func(url string) {
						fmt.Fprintf(p.out, "Open this in a browser within ten minutes; it works once:\n\n  %s\n\nWaiting ...\n", url)
					})
				}
				return err
			})
			if err != nil {
				return p.refused(err)
			}
			fmt.Fprintln(p.out, done.Message)
			if done.Other {
				fmt.Fprintf(p.out, "Nothing has changed yet. If that is what you want, type: latchkey login %s --confirm\n", args[0])
				return exitFailure
			}
			return exitOK
		},
	}
}

// loginByPaste is for redirect addresses that the browser cannot reach.
func (p *program) loginByPaste(ctx context.Context, client *web.Client, account string) (web.SignedIn, error) {
	url, err := client.PasteURL(ctx, account)
	if err != nil {
		return web.SignedIn{}, err
	}
	fmt.Fprintf(p.out, "Open this in any browser and sign in:\n\n  %s\n\nThe browser ends on an address with ?code=... in it, maybe on an error page. Paste that address here:\n", url)
	line, err := bufio.NewReader(p.in).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return web.SignedIn{}, fmt.Errorf("nothing was pasted: %v", err)
	}
	return client.Paste(ctx, account, line)
}
