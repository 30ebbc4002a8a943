package web

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Keys are the kept generations of credentials.
type Keys interface {
	// Tokens lists an account's generations, the newest first.
	Tokens(account string) ([]KeptToken, error)
	// RestoreToken makes an earlier generation the one in use, 0 the newest of
	// them, and returns the new generation's number.
	RestoreToken(ctx context.Context, account string, generation uint64) (uint64, error)
}

// Vault is the store as a whole.
type Vault interface {
	// Backup writes a consistent copy of the store.
	Backup(w io.Writer) error
	// Replace checks a backup, and has it take the store's place after the answer:
	// that ends this socket and opens it anew. The number is that of the [Replaced]
	// to wait for.
	Replace(backup io.Reader, takeOver bool) (number uint64, err error)
	// Replaced is what became of the last Replace; zero: there was none.
	Replaced() Replaced
	// TakeOver says that restored credentials now live here.
	TakeOver() error
	// Rekey makes a new key for the store. waits is its file where a person has to
	// put it in the place of the old one; "": it is there.
	Rekey() (waits string, err error)
}

// KeptToken is one generation of an account's credentials, without what is
// secret.
type KeptToken struct {
	Generation uint64    `json:"generation"`
	InUse      bool      `json:"in_use"`
	SavedAt    time.Time `json:"saved_at"`
	SignedInAt time.Time `json:"signed_in_at,omitzero"`
	ObtainedAt time.Time `json:"obtained_at,omitzero"` // the access token
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	Scope      string    `json:"scope,omitempty"`
	Identity   string    `json:"identity,omitempty"` // whose account it is
	Access     bool      `json:"access"`             // holds an access token
	Refresh    bool      `json:"refresh"`            // holds a refresh token
	// Spent: a renewal with its refresh token was begun.
	Spent bool `json:"spent"`
	// Ended is why the vendor or a person ended it; "": nothing is known against it.
	Ended string `json:"ended,omitempty"`
}

// Replaced is what became of a backup that was to take the store's place.
type Replaced struct {
	Number   uint64   `json:"number"`
	Accounts []string `json:"accounts"`        // whose credentials came with it
	Aside    string   `json:"aside,omitempty"` // where the store before it lies now
	Moved    bool     `json:"moved"`           // it is of another installation, and nobody took it over yet
	Error    string   `json:"error,omitempty"` // why it did not: nothing has changed
}

// largestBackup bounds what is taken over the socket.
const largestBackup = 1 << 30

func (s *Server) controlKeys(mux *http.ServeMux) {
	mux.HandleFunc("GET /tokens", func(w http.ResponseWriter, r *http.Request) {
		answer(w, func() (any, error) { return s.o.Keys.Tokens(r.URL.Query().Get("account")) })
	})
	mux.HandleFunc("POST /tokens", func(w http.ResponseWriter, r *http.Request) {
		var ask KeptToken
		account := r.URL.Query().Get("account")
		if read(w, r, &ask) {
			answer(w, func() (any, error) {
				return s.o.Keys.RestoreToken(context.WithoutCancel(r.Context()), account, ask.Generation)
			})
		}
	})
	mux.HandleFunc("GET /backup", s.controlBackup)
	mux.HandleFunc("GET /restore", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.o.Vault.Replaced()) })
	mux.HandleFunc("POST /restore", func(w http.ResponseWriter, r *http.Request) {
		takeOver, _ := strconv.ParseBool(r.URL.Query().Get("take_over"))
		answer(w, func() (any, error) {
			return s.o.Vault.Replace(http.MaxBytesReader(w, r.Body, largestBackup), takeOver)
		})
	})
	mux.HandleFunc("POST /take-over", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, func() (any, error) { return struct{}{}, s.o.Vault.TakeOver() })
	})
	mux.HandleFunc("POST /rekey", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, func() (any, error) { return s.o.Vault.Rekey() })
	})
}

// controlBackup: an error after the first byte breaks the connection, so that half
// a backup is never taken for a whole one.
func (s *Server) controlBackup(w http.ResponseWriter, _ *http.Request) {
	out := &begun{Writer: w}
	err := s.o.Vault.Backup(out)
	switch {
	case err == nil:
	case out.yes:
		panic(http.ErrAbortHandler)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// begun tells whether anything was written.
type begun struct {
	io.Writer
	yes bool
}

func (b *begun) Write(data []byte) (int, error) {
	b.yes = true
	return b.Writer.Write(data)
}

// answer replies with what ask returns.
func answer(w http.ResponseWriter, ask func() (any, error)) {
	v, err := ask()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	reply(w, v)
}
