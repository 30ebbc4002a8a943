package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
)

// A person with a browser, at a desk and with a phone: signs an account in, renews
// it, sees the last command, signs out. The page runs no script and asks nobody
// else for anything.
func TestPageInABrowser(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()
	ready := false
	for _, window := range []struct {
		name          string
		width, height int
		narrow        bool
	}{{"wide", 1280, 900, false}, {"narrow", 360, 740, true}} {
		t.Run(window.name, func(t *testing.T) {
			b := bridgetest.StartBrowser(t, window.width, window.height, window.narrow)
			page := "http://" + h.page + "/"
			look := func(where string) {
				t.Helper()
				var wider int
				b.Run("return document.documentElement.scrollWidth - window.innerWidth", &wider)
				if wider > 0 {
					t.Errorf("%s: the page is %d pixels wider than the window", where, wider)
				}
				for _, complaint := range b.Complaints() {
					t.Errorf("%s: the browser's console: %s", where, complaint)
				}
			}
			gate := func(text string) bridgetest.Element {
				t.Helper()
				return b.Find(fmt.Sprintf(`//section[@id="gate"]//*[self::a or self::b or self::button][.=%q]`, text))
			}

			b.Open(page)
			gate("not signed in")
			look("signed out")
			gate("Sign in").Click()
			who := h.person("gate")
			b.Find(`//input[@name="username"]`).Type(who.Name)
			b.Find(`//input[@name="password"]`).Type(who.Password)
			b.Find(`//button[.="Allow"]`).Click()
			b.Find(`//h2[.="Signed in"]`)
			look("the callback")
			b.Find(`//a[.="To the page"]`).Click()
			gate("works")
			look("signed in")

			calls := h.doorbird.Log.Count("POST /auth/token")
			gate("Renew now").Click()
			b.Find(`//td[contains(., "gate") and contains(., "refresh")]/following-sibling::td[.="ok"]`)
			if n := h.doorbird.Log.Count("POST /auth/token") - calls; n != 1 {
				t.Errorf("%d token calls after a press of Renew now, want 1", n)
			}
			if !ready {
				h.ready()
				ready = true
			}
			if r := h.press(); r.Reason != bridge.ReasonOK {
				t.Errorf("press: %s (%s)", r.Reason, r.Message)
			}
			b.Open(page)
			if last := b.Find(`//table//tr[2]`).Text(); !strings.Contains(last, "relay_1 PRESS") || !strings.HasSuffix(last, " ok") {
				t.Errorf("the last command reads %q, want the press of relay_1, done", last)
			}
			look("after a command")

			gate("Sign out").Click()
			b.Find(`//h2[.="Signed out"]`)
			if n := h.doorbird.Log.Count("POST /auth/revoke"); n == 0 {
				t.Error("nothing was revoked at the vendor")
			}
			look("signed out")
			b.Find(`//a[.="To the page"]`).Click()
			gate("not signed in")

			cloud := strings.TrimPrefix(h.clouds["doorbird"].URL, "http://")
			if hosts := slices.Sorted(maps.Keys(b.Hosts())); !slices.Equal(hosts, slices.Sorted(slices.Values([]string{h.page, cloud}))) {
				t.Errorf("the browser asked %q, want the page and the cloud alone", hosts)
			}
		})
	}
}
