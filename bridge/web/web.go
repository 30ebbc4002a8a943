// Package web is latchkey's face on HTTP: the page, sign-in at the vendors and
// their callbacks, the JSON API, push receivers, health and metrics on the web
// listener; and the control socket, over which the other commands of the program
// speak to the running daemon (client.go is their side).
//
// bridge/daemon makes it and gives it the daemon as small interfaces; this
// package keeps nothing but who is signed in to the page and which tickets are
// open, in memory and bounded.
//
// Goroutines: [Server.Run] owns the HTTP servers' and returns when all ended.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/bridge"
)

// Options of a [Server].
type Options struct {
	Listener       net.Listener // nil: the page is off
	Socket         net.Listener // of the commands; nil: none
	PublicURL      string       // how a browser reaches the page, also from the vendors' redirects
	Password       bridge.Secret
	TrustedProxies []netip.Prefix // whose word is taken on who is signed in
	Metrics        string         // loopback (also ""), signed_in or open
	Version        string
	Daemon         Daemon
	SignIn         SignIn
	Push           Push
	Keys           Keys  // for the socket
	Vault          Vault // for the socket
	// Doctor examines what the daemon lives on, for the socket.
	Doctor  func(context.Context) Diagnosis
	Samples func() []Metric // for each scrape of /metrics
	// Openings is the opening log, or its proof, for the socket; it is sent as
	// JSON. nil: there is none.
	Openings func(ctx context.Context, verify bool) (any, error)
	Log      *slog.Logger
}

// Daemon is what the page and the socket see of the running daemon.
type Daemon interface {
	Status() Status
	// Call carries out a named call by the same path as a command from MQTT.
	// source is page or command line.
	Call(ctx context.Context, source string, ask CallAsk) bridge.Result
	// Logout revokes at the vendor, then forgets.
	Logout(ctx context.Context, account string) (Farewell, error)
}

// SignIn starts and ends sign-ins at the vendors.
type SignIn interface {
	// Begin returns the vendor's consent page. bind is kept in a cookie of the
	// browser, for vendors that do not give `state` back.
	Begin(account, bind string) (consent string, err error)
	// Finish takes what the vendor's redirect brought: its query, and bind from
	// the cookie ("" without one). With an account, back is what a person pasted
	// for it: the address that the browser ended on, or the code alone.
	Finish(ctx context.Context, account, back, bind string) (done SignedIn, err error)
	// Confirm accepts a sign-in that is of another station or user than before.
	Confirm(ctx context.Context, account string) error
}

// Push takes what vendors and devices send by themselves.
type Push interface {
	// Push offers one push to an account. The error is shown to the sender as a
	// status only: ErrPushKey is 401, any other 404.
	Push(vendor, account, authorization string, body []byte) error
	// Hook offers the call of a device on its secret path.
	Hook(vendor, account, secret string, query url.Values, body []byte) error
}

// ErrPushKey says that a push came with a wrong key.
var ErrPushKey = errors.New("wrong key")

// SignedIn is a finished sign-in.
type SignedIn struct {
	Account string `json:"account"`
	// Other is true where the sign-in is of another station or user than before:
	// it waits for a confirmation (hazard T21).
	Other   bool   `json:"other"`
	Message string `json:"message"`
}

// Farewell says what became of a logout.
type Farewell struct {
	Revoked bool   `json:"revoked"` // the vendor has confirmed it
	Message string `json:"message"`
}

// Server serves the page and the socket.
type Server struct {
	o       Options
	public  *url.URL
	visits  *visits
	tickets *tickets
	waiting outcomes
	streams atomic.Int32 // followers of /api/v1/events
}

// New checks the options; it does not listen yet.
func New(o Options) (*Server, error) {
	public, err := url.Parse(o.PublicURL)
	if err != nil {
		return nil, errors.New("web.public_url is no URL")
	}
	return &Server{o: o, public: public, visits: newVisits(), tickets: newTickets()}, nil
}

// Run serves until ctx ends, then gives requests in flight two seconds.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	serve := func(l net.Listener, h http.Handler) {
		if l == nil {
			return
		}
		// Streams of events end with ctx, so that a stop does not wait for them.
		srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
			MaxHeaderBytes: 32 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
			ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug)}
		wg.Go(func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				errs <- err
			}
		})
		wg.Go(func() {
			<-ctx.Done()
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if srv.Shutdown(grace) != nil {
				_ = srv.Close()
			}
		})
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serve(s.o.Listener, s.Handler())
	serve(s.o.Socket, s.Control())
	var err error
	select {
	case err = <-errs:
	case <-ctx.Done():
	}
	cancel()
	wg.Wait()
	return err
}

// Close stops listening, for a server that is never run.
func (s *Server) Close() (err error) {
	for _, l := range []net.Listener{s.o.Listener, s.o.Socket} {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
	}
	return err
}

// Handler is everything on the web listener.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("POST /session", s.openSession)
	mux.HandleFunc("POST /session/end", s.endSession)
	mux.HandleFunc("GET /style.css", file("style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /icon.svg", file("icon.svg", "image/svg+xml"))
	mux.HandleFunc("GET /accounts/{account}/login", s.login)
	mux.HandleFunc("GET /oauth/callback", s.callback)
	mux.Handle("POST /accounts/{account}/logout", s.signedIn(s.logout))
	mux.Handle("POST /accounts/{account}/refresh", s.signedIn(s.refresh))
	mux.HandleFunc("POST /hooks/{vendor}/{account}", s.push)
	mux.HandleFunc("GET /hooks/{vendor}/{account}/{secret}", s.hook)
	mux.HandleFunc("POST /hooks/{vendor}/{account}/{secret}", s.hook)
	mux.Handle("GET /api/v1/status", s.signedIn(s.status))
	mux.Handle("GET /api/v1/events", s.signedIn(s.events))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.mayScrape(s.metrics()))
	// CrossOriginProtection refuses a POST that another site's page makes; pushes
	// of vendors carry no browser's headers and pass.
	return s.hosts(secured(http.NewCrossOriginProtection().Handler(mux)))
}
