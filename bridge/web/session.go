package web

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"latchkey/bridge"
)

const (
	visitCookie = "latchkey_page"
	visitLife   = 30 * 24 * time.Hour
	visitMost   = 64 // browsers signed in at once; the oldest goes
	ticketLife  = 10 * time.Minute
	ticketMost  = 64
)

// visits are the browsers that gave the page's password. A restart ends them all.
type visits struct {
	mu    sync.Mutex
	until map[string]time.Time
	tries []time.Time // failed passwords of the last minute
}

func newVisits() *visits { return &visits{until: map[string]time.Time{}} }

func (v *visits) has(r *http.Request) bool {
	c, err := r.Cookie(visitCookie)
	if err != nil {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	until, ok := v.until[c.Value]
	return ok && time.Now().Before(until)
}

// mayTry allows ten wrong passwords a minute, from everybody together: at home
// nobody needs more, and guessing takes ages.
func (v *visits) mayTry() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(v.tries) > 0 && time.Since(v.tries[0]) > time.Minute {
		v.tries = v.tries[1:]
	}
	return len(v.tries) < 10
}

func (v *visits) failed() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tries = append(v.tries, time.Now())
}

func (v *visits) open() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	evictOldest(v.until, visitMost)
	id := rand.Text()
	v.until[id] = time.Now().Add(visitLife)
	return id
}

func (v *visits) end(r *http.Request) {
	if c, err := r.Cookie(visitCookie); err == nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.until, c.Value)
	}
}

func (s *Server) openSession(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if !s.visits.mayTry() {
		s.say(w, http.StatusTooManyRequests, notice{Title: "Wait a minute", Text: "Too many wrong passwords. Try again in a minute."})
		return
	}
	if s.o.Password.Empty() || !s.o.Password.Equal(bridge.NewSecret(r.PostFormValue("password"))) {
		s.visits.failed()
		s.say(w, http.StatusUnauthorized, notice{Title: "Wrong password", Text: "It is the one in the file that web.password_file names."})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: visitCookie, Value: s.visits.open(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: s.public.Scheme == "https", MaxAge: int(visitLife / time.Second)})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	s.visits.end(r)
	http.SetCookie(w, &http.Cookie{Name: visitCookie, Path: "/", MaxAge: -1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// tickets open the sign-in of one account once, without a session on the page:
// `latchkey login` hands them out to who can reach the control socket.
type tickets struct {
	mu   sync.Mutex
	open map[string]time.Time // "<ticket> <account>"
}

func newTickets() *tickets { return &tickets{open: map[string]time.Time{}} }

func (t *tickets) issue(account string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	evictOldest(t.open, ticketMost)
	id := rand.Text()
	t.open[id+" "+account] = time.Now().Add(ticketLife)
	return id
}

// take uses a ticket up.
func (t *tickets) take(id, account string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, ok := t.open[id+" "+account]
	delete(t.open, id+" "+account)
	return ok && time.Now().Before(until)
}

// evictOldest makes room for one more below most, ended ones first.
func evictOldest(until map[string]time.Time, most int) {
	for len(until) >= most {
		oldest := ""
		for id, t := range until {
			if oldest == "" || t.Before(until[oldest]) {
				oldest = id
			}
		}
		delete(until, oldest)
	}
}
