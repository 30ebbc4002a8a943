package web

import (
	"strings"
	"testing"

	"latchkey/bridge"
)

// Whatever a vendor, a broker or a sender calls itself, it is text on the page.
func TestForeignTextIsEscaped(t *testing.T) {
	const foreign, escaped = `<b x="'&%s>`, `&lt;b x=&#34;&#39;&amp;%s&gt;`
	status := Status{
		Version: foreign, Instance: foreign, MQTT: LinkStatus{Broker: foreign, Error: foreign}, ConfigError: foreign, Problems: []Problem{{Topic: foreign, Message: foreign}},
		Accounts: []AccountStatus{{ID: foreign, Name: foreign, Vendor: foreign,
			Token:   bridge.Health{State: foreign, LastError: &bridge.HealthError{Message: foreign}},
			Devices: []DeviceStatus{{Name: foreign, Model: foreign, Entities: []EntityStatus{{Name: foreign, Value: foreign}}}}}},
		Commands: []bridge.Result{{Account: foreign, Device: foreign, Entity: foreign, Action: foreign, Reason: foreign, Message: foreign}},
	}
	for name, page := range map[string]struct {
		text  string
		times int
	}{
		"page":   {view{Status: status}.home().String(), 26},
		"notice": {notice{Title: foreign, Text: foreign, Type: foreign, Back: true}.sheet().String(), 4},
	} {
		if strings.Contains(page.text, "<b x") || strings.Count(page.text, escaped) != page.times {
			t.Errorf("the %s has foreign text %d times escaped, want %d:\n%s", name, strings.Count(page.text, escaped), page.times, page.text)
		}
	}
}
