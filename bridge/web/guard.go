package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// secured sets the headers of every answer: nothing is framed, sniffed, cached or
// run that is not ours.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // the vendor must not see a ticket
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// hosts refuses a Host that is not ours: a foreign name that resolves to this
// machine (DNS rebinding) would let any web site read the page through a browser
// at home. Health, metrics and pushes are asked by address from anywhere.
func (s *Server) hosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open := strings.HasPrefix(r.URL.Path, "/hooks/") || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || r.URL.Path == "/metrics"
		if host := hostname(r.Host); !open && host != s.public.Hostname() && !isLoopbackName(host) && net.ParseIP(host) == nil {
			http.Error(w, "this address is not the one in web.public_url", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// signedIn lets in who is signed in to the page, and the machine itself.
func (s *Server) signedIn(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.mayEnter(r) {
			http.Error(w, "sign in on the page first", http.StatusUnauthorized)
			return
		}
		next(w, r)
	})
}

func (s *Server) mayEnter(r *http.Request) bool {
	return isLoopback(r) || s.visits.has(r) || s.trustedProxy(r)
}

// mayScrape guards /metrics as configured.
func (s *Server) mayScrape(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := isLoopback(r)
		switch s.o.Metrics {
		case "open":
			allowed = true
		case "signed_in":
			allowed = s.mayEnter(r)
		}
		if !allowed {
			http.Error(w, "metrics are not open here: see web.metrics", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopback: a loopback peer, a loopback Host and no forwarding header. With a
// proxy on the same machine the peer alone would let everybody in.
func isLoopback(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && isLoopbackName(hostname(r.Host))
}

// trustedProxy: a listed peer names who is signed in.
func (s *Server) trustedProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, p := range s.o.TrustedProxies {
		if p.Contains(peer.Addr().Unmap()) {
			return r.Header.Get("X-Remote-User-Id") != "" || r.Header.Get("Remote-User") != "" || r.Header.Get("X-Forwarded-User") != ""
		}
	}
	return false
}

func hostname(host string) string {
	u := url.URL{Host: host}
	return strings.ToLower(u.Hostname())
}

func isLoopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
