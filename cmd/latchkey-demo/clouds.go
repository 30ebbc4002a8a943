package main

import (
	"context"
	"fmt"
	"strings"

	"latchkey/bridge/simkit"
	"latchkey/vendors/dwspectrum/dwspectrumsim"
	"latchkey/vendors/generic/genericsim"
	"latchkey/vendors/netrex/netrexsim"
	"latchkey/vendors/sensorberg/sensorbergsim"
)

// other is a cloud that the tour only signs in to.
type other struct {
	simkit.Sim
	env     string // name of its address in the configuration
	account string
	person  simkit.Person // zero: nobody has to sign in
	shows   string        // the device that is waited for
}

func otherClouds() []other {
	return []other{
		{dwspectrumsim.New(dwspectrumsim.Options{}), "DWSPECTRUM", "video", simkit.Person{Name: dwspectrumsim.DemoUser, Password: dwspectrumsim.DemoPassword}, "aaaaaaaa_bbbb_4ccc_8ddd_ca6100000001"},
		{netrexsim.New(netrexsim.Options{}), "NETREX", "depot", simkit.Person{Name: netrexsim.DemoUser, Password: netrexsim.DemoPassword}, "1001"},
		{sensorbergsim.New(sensorbergsim.Options{}), "SENSORBERG", "office", simkit.Person{}, "17"},
		{genericsim.New(genericsim.Options{}), "GENERIC", "lockers", simkit.Person{Name: genericsim.DemoUser, Password: genericsim.DemoPassword}, "17"},
	}
}

// signInOthers signs in to the other clouds and waits for their devices.
func (t *tourist) signInOthers(ctx context.Context) error {
	for _, o := range t.others {
		if o.person.Name != "" {
			if err := signIn(ctx, t.page, o.account, o.person); err != nil {
				return fmt.Errorf("account %s: %w", o.account, err)
			}
		}
	}
	for _, o := range t.others {
		if _, err := t.guest.await(ctx, topics.DeviceState(o.account, o.shows), is("online")); err != nil {
			return err
		}
		n := t.guest.count(func(topic string) bool {
			return strings.HasPrefix(topic, "latchkey/device/"+o.account+"/") && strings.Count(topic, "/") == 4 && strings.HasSuffix(topic, "/state")
		})
		how := "signed in by " + o.person.Name
		if o.person.Name == "" {
			how = "signed in by its client's own secret"
		}
		t.say.seen("%-10s %-8s %s, %d devices", o.Name(), o.account, how, n)
	}
	return nil
}
