package web

import (
	"errors"
	"io"
	"net/http"
)

// pushMost is the size of the largest push that is read.
const pushMost = 64 << 10

// push takes a vendor's push for any account of that vendor: one URL serves all
// stations of a company (DoorBird), so whom it is for is in the body.
func (s *Server) push(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, pushMost))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	answerPush(w, s.o.Push.Push(r.PathValue("vendor"), r.PathValue("account"), r.Header.Get("Authorization"), body))
}

// hook takes a device's own call on its secret path.
func (s *Server) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, pushMost))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	answerPush(w, s.o.Push.Hook(r.PathValue("vendor"), r.PathValue("account"), r.PathValue("secret"), r.URL.Query(), body))
}

// answerPush answers empty and at once; the sender learns no more than it must.
func answerPush(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrPushKey):
		w.WriteHeader(http.StatusUnauthorized)
	case err != nil:
		w.WriteHeader(http.StatusNotFound)
	}
}
