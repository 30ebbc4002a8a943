package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// bindCookie ties a sign-in to the browser that began it, for vendors that do
// not give `state` back. Lax: the vendor's redirect is a navigation from another
// site, which Strict would strip it from.
const bindCookie = "latchkey_signin"

// login sends the browser to the vendor's consent page.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	account := r.PathValue("account")
	// The cookie must be set on the host that the vendor redirects to. The ticket
	// is not used up yet: that happens over there.
	if !strings.EqualFold(r.Host, s.public.Host) {
		target := *s.public
		target.Path = "/accounts/" + account + "/login"
		target.RawQuery = r.URL.RawQuery
		http.Redirect(w, r, target.String(), http.StatusFound)
		return
	}
	if ticket := r.URL.Query().Get("ticket"); !s.mayEnter(r) && (ticket == "" || !s.tickets.take(ticket, account)) {
		s.say(w, http.StatusUnauthorized, notice{Title: "Not signed in", Text: "Open the page and sign in there first, or type this where latchkey runs:", Type: "latchkey login " + account})
		return
	}
	bind := rand.Text()
	consent, err := s.o.SignIn.Begin(account, bind)
	if err != nil {
		s.say(w, http.StatusNotFound, notice{Title: "No sign-in", Text: err.Error()})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: bindCookie, Value: bind, Path: "/oauth/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: s.public.Scheme == "https", MaxAge: int(ticketLife / time.Second)})
	http.Redirect(w, r, consent, http.StatusFound)
}

// callback is where the vendor's redirect ends. Whoever brings a live state may.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) {
	bind := ""
	if c, err := r.Cookie(bindCookie); err == nil {
		bind = c.Value
	}
	http.SetCookie(w, &http.Cookie{Name: bindCookie, Path: "/oauth/", MaxAge: -1})
	// A code is spent by the first try, so a browser that goes away must not cut
	// the exchange off.
	done, err := s.o.SignIn.Finish(context.WithoutCancel(r.Context()), "", r.URL.RawQuery, bind)
	s.waiting.tell(done, err)
	switch {
	case err != nil:
		s.say(w, http.StatusBadRequest, notice{Title: "The sign-in did not work", Text: err.Error(), Back: true})
	case done.Other:
		s.say(w, http.StatusConflict, notice{Title: "Another one than before", Text: done.Message, Type: "latchkey login --confirm " + done.Account, Back: true})
	default:
		s.say(w, http.StatusOK, notice{Title: "Signed in", Text: done.Message, Back: true})
	}
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	bye, err := s.o.Daemon.Logout(r.Context(), r.PathValue("account"))
	if err != nil {
		s.say(w, http.StatusBadGateway, notice{Title: "Not signed out", Text: err.Error(), Back: true})
		return
	}
	title := "Signed out"
	if !bye.Revoked {
		title = "Signed out here"
	}
	s.say(w, http.StatusOK, notice{Title: title, Text: bye.Message, Back: true})
}

func (s *Server) refresh(w http.ResponseWriter, r *http.Request) {
	result := s.o.Daemon.Call(r.Context(), "page", CallAsk{Account: r.PathValue("account"), Name: "refresh"})
	if result.Reason != "ok" {
		s.say(w, http.StatusBadGateway, notice{Title: "Not refreshed", Text: result.Message, Back: true})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// loginURL is what `latchkey login` prints.
func (s *Server) loginURL(account string) string {
	u := *s.public
	u.Path = strings.TrimSuffix(u.Path, "/") + "/accounts/" + account + "/login"
	u.RawQuery = url.Values{"ticket": {s.tickets.issue(account)}}.Encode()
	return u.String()
}
