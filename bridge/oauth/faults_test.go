package oauth_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// faultFunc stands between the keeper and the vendor's answer.
type faultFunc = func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error)

// The faults.
func noDial(_ *vendor, r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: errors.New("refused on the way to " + r.URL.String())}
}

// dropRequest loses the request after it was sent, dropReply the reply after the vendor has acted.
func dropRequest(_ *vendor, r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	connected(r)
	return nil, io.ErrUnexpectedEOF
}

func dropReply(_ *vendor, _ *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
	_, _ = answer()
	return nil, io.ErrUnexpectedEOF
}

// cutReply sends the first n bytes of the reply.
func cutReply(n int) faultFunc {
	return func(_ *vendor, _ *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
		res, _ := answer()
		all, _ := io.ReadAll(res.Body)
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(all[:min(n, len(all))]), failing{}))
		return res, nil
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// say answers without the vendor having acted.
func say(status int, body string, header ...string) faultFunc {
	return func(_ *vendor, r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		connected(r)
		res := reply(status, body)
		for i := 0; i+1 < len(header); i += 2 {
			res.Header.Set(header[i], header[i+1])
		}
		return res, nil
	}
}

// counted counts how often a fault stood in the way of a token call. Reads are answered.
func counted(fault faultFunc) (faultFunc, *atomic.Int64) {
	n := new(atomic.Int64)
	return func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
		if r.URL.Path != "/token" {
			return answer()
		}
		n.Add(1)
		return fault(v, r, answer)
	}, n
}
