package cloud_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

// H16: the Date of every reply helps to judge the clock, unless a cache kept it.
func TestSeen(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name   string
		header map[string]string
		want   bool
	}{
		{"date", map[string]string{"Date": at.Format(http.TimeFormat)}, true},
		{"from a cache", map[string]string{"Date": at.Format(http.TimeFormat), "Age": "86400"}, false},
		{"a cache that asked", map[string]string{"Date": at.Format(http.TimeFormat), "Age": "0"}, true},
		{"nonsense", map[string]string{"Date": "today"}, false},
	} {
		for _, code := range []int{200, 401, 500} {
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(code)
			})
			plain, tls := httptest.NewServer(h), httptest.NewTLSServer(h)
			for _, s := range []*httptest.Server{plain, tls} {
				var seen []time.Time
				client := open(t, s.URL, func(o *cloud.Options) {
					o.Tokens = &keeper{same: true}
					o.Transport = s.Client().Transport
					o.Seen = func(date time.Time, proven bool) {
						if seen = append(seen, date); !proven {
							t.Errorf("%s: loopback and TLS are proven", c.name)
						}
					}
				})
				_, _ = client.Read(t.Context(), bridge.Request{})
				_, _ = client.Act(command(t.Context()), bridge.Request{})
				if c.want && (len(seen) != 2 || !seen[0].Equal(at)) || !c.want && len(seen) != 0 {
					t.Errorf("%s, HTTP %d: saw %v, want %v each time: %v", c.name, code, seen, at, c.want)
				}
			}
			plain.Close()
			tls.Close()
		}
	}
}

// A reply that came over https without a verified chain proves nothing.
func TestSeenUnproven(t *testing.T) {
	proven := true
	c := open(t, "https://cloud.example", func(o *cloud.Options) {
		o.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Date": {"Sat, 02 Jan 2027 03:04:05 GMT"}}, Body: http.NoBody}, nil
		})
		o.Seen = func(_ time.Time, p bool) { proven = p }
	})
	if _, err := c.Read(t.Context(), bridge.Request{}); err != nil || proven {
		t.Errorf("proven %v, %v, want not proven", proven, err)
	}
}

func TestCertificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = quietLog()
	s.StartTLS()
	defer s.Close()
	_, err := open(t, s.URL).Act(command(t.Context()), bridge.Request{})
	if f := failure(t, err); f.Reason != bridge.ReasonNotSent || !strings.Contains(f.Message, "its certificate is not trusted") {
		t.Errorf("unknown authority: %s %q, want not_sent", f.Reason, f.Message)
	}
	expired := s.Client().Transport.(*http.Transport).Clone()
	expired.TLSClientConfig.Time = func() time.Time { return time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC) }
	_, err = open(t, s.URL, func(o *cloud.Options) { o.Transport = expired }).Read(t.Context(), bridge.Request{})
	if f := failure(t, err); f.Reason != bridge.ReasonNotSent || !strings.Contains(f.Message, "check the clock") {
		t.Errorf("not yet valid: %s %q, want not_sent and a word about the clock", f.Reason, f.Message)
	}
	expired.CloseIdleConnections()
}
