package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/bridge/simkit"
	"latchkey/vendors"
	"latchkey/vendors/sims"
)

// otherClouds are those that the tour only signs in to: every simulator but the
// two that it plays on. In the configuration ${NETREX} is netrex's address.
func otherClouds() []simkit.Sim {
	return slices.DeleteFunc(sims.All(), func(s simkit.Sim) bool { return s.Name() == "doorbird" || s.Name() == "cameramanager" })
}

// signInOthers signs in to the other clouds, each as its first user where somebody
// has to, and waits for a device.
func (t *tourist) signInOthers(ctx context.Context) error {
	c, err := config.Load(config.Options{Path: t.config(), Drivers: vendors.All(), Getenv: t.getenv})
	if err != nil {
		return err
	}
	for _, o := range t.others {
		at := slices.IndexFunc(c.Accounts, func(a config.Account) bool { return a.Vendor == o.Name() })
		if at < 0 {
			return fmt.Errorf("demo.yaml has no account of %s", o.Name())
		}
		account, how := c.Accounts[at], "signed in by its client's own secret"
		if account.Grant == bridge.GrantCode {
			user := o.Shared().Issuer.Rules().Users[0]
			if err := signIn(ctx, t.page, account.ID, simkit.Person{Name: user.Name, Password: user.Password}); err != nil {
				return fmt.Errorf("account %s: %w", account.ID, err)
			}
			how = "signed in by " + user.Name
		}
		first, err := t.guest.awaitAny(ctx, "a device of account "+account.ID, func(topic, payload string) bool {
			return payload == "online" && strings.HasPrefix(topic, "latchkey/device/"+account.ID+"/") && strings.HasSuffix(topic, "/state")
		})
		if err != nil {
			return err
		}
		t.say.seen("%-10s %-8s %s; the first device: %s", o.Name(), account.ID, how, strings.Split(first, "/")[3])
	}
	return nil
}
