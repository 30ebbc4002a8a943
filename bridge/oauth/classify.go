package oauth

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge"
)

// class is what a failed token call means. Only grant and client end a chain
// (T6, T7); all others pass.
type class string

const (
	classNotSent   class = "not_sent"  // name, dial, TLS: nothing left this machine
	classLost      class = "lost"      // sent, but no whole reply, or a 2xx without a readable token
	classDown      class = "down"      // a whole 408 or 5xx, or the vendor's own "try later"
	classThrottled class = "throttled" // 429 or our own daily budget
	classStrange   class = "strange"   // a whole reply that says nothing definite
	classClock     class = "clock"     // a certificate that is not valid at our untrusted time
	classDisk      class = "disk"      // the store did not take the record: nothing was sent
	classElsewhere class = "elsewhere" // another latchkey holds the account
	classClient    class = "client"    // the vendor refuses the client
	classGrant     class = "grant"     // the vendor refuses the refresh token, the code or the password
)

// trouble is a failed token call. It is stored with the record, so Message holds
// our own words and never anything of the vendor's.
type trouble struct {
	Class   class               `json:"class"`
	Reason  bridge.HealthReason `json:"reason"`
	Code    string              `json:"code"`
	Message string              `json:"message"`
	At      time.Time           `json:"at"`
	wait    time.Duration       // what the vendor asks for
	vague   bool                // the vendor's words fit no verdict: classGrant for want of a better one
}

// sent tells whether the vendor may have seen the call.
func (t *trouble) sent() bool {
	switch t.Class {
	case classNotSent, classClock, classDisk, classElsewhere:
		return false
	}
	return true
}

func (t *trouble) Error() string { return t.Message }

// reasons is the one mapping from class to the Contract's reason. A refused
// grant whose journal was open is lost_in_flight instead.
func (c class) reason() bridge.HealthReason {
	switch c {
	case classDown:
		return bridge.HealthVendorDown
	case classThrottled:
		return bridge.HealthRateLimited
	case classStrange:
		return bridge.HealthBadReply
	case classClock:
		return bridge.HealthClock
	case classDisk:
		return bridge.HealthNotSaved
	case classClient:
		return bridge.HealthClientRefused
	case classGrant:
		return bridge.HealthRevoked
	}
	return bridge.HealthNetwork
}

func fail(c class, code, message string) *trouble {
	reason := c.reason()
	if code == "" {
		code = string(reason)
	}
	return &trouble{Class: c, Reason: reason, Code: code, Message: message, At: time.Now().UTC().Round(0)}
}

// Waits where the vendor names none, and the longest that is believed.
const (
	throttledWait = 15 * time.Minute
	longestWait   = 24 * time.Hour
)

// refused reads a whole reply that holds no token.
func refused(status int, header http.Header, body []byte, d *bridge.Dialect, ask *bridge.Ask) *trouble {
	object, _ := decode(body).(map[string]any)
	code := errorCode(object, d.Reading)
	status2xx := status/100 == 2
	wait, named := retryAfter(header)

	switch {
	case status == http.StatusTooManyRequests || code == "slow_down":
		t := fail(classThrottled, "", "the vendor asks for fewer token calls")
		if t.wait = throttledWait; named {
			t.wait = wait
		}
		return t
	case status == http.StatusRequestTimeout || status >= 500:
		t := fail(classDown, "", "the vendor's token server answered "+strconv.Itoa(status))
		t.wait = wait
		return t
	}

	known := true
	vague := false
	verdict, ok := d.Reading.Codes[code]
	if !ok {
		verdict, known = standard(code)
	}
	if !known {
		code = "" // may be a sentence: never shown
	}
	switch {
	case known:
	case d.Reading.FreeText && errorCode(object, d.Reading) != "" && status != http.StatusNotFound:
		verdict, vague = judgeSentence(errorCode(object, d.Reading), d.Reading.Sentences)
	case status == http.StatusUnauthorized && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")):
		// Without a known code: the client's fault (DoorBird and CameraManager mean a
		// bad secret by it), but where the client has no secret it can only be the
		// grant (DW Spectrum). A page is somebody else's: a proxy, a firewall.
		verdict = bridge.BadClient
		if ask.Client == bridge.ClientNone && d.Secret.Empty() {
			verdict = bridge.BadGrant
		}
	}
	switch verdict {
	case bridge.BadGrant:
		t := fail(classGrant, code, "the vendor refused the grant"+inBrackets(code))
		t.vague = vague
		return t
	case bridge.BadClient:
		return fail(classClient, code, "the vendor refused client id or secret"+inBrackets(code))
	case bridge.Passing:
		t := fail(classDown, code, "the vendor asks to try later"+inBrackets(code))
		t.wait = wait
		return t
	}
	if status2xx && !hasError(object, d.Reading) {
		return fail(classLost, "bad_reply", "the vendor's reply holds no token").because(bridge.HealthBadReply)
	}
	return fail(classStrange, code, "the vendor's token server answered "+strconv.Itoa(status)+" and nothing definite"+inBrackets(code))
}

func (t *trouble) because(r bridge.HealthReason) *trouble { t.Reason = r; return t }

func inBrackets(code string) string {
	if code == "" {
		return ""
	}
	return " (" + code + ")"
}

// errorCode is the error's text; "" where there is none, or it is no text.
func errorCode(object map[string]any, r bridge.Reading) string {
	name := r.ErrorIn
	if name == "" {
		name = "error"
	}
	code, _ := object[name].(string)
	if code == "" && name != "error" {
		code, _ = object["error"].(string) // a portal in front of the token server
	}
	if code == r.Fine {
		return ""
	}
	return code
}

// judgeSentence judges an error that is no code.
func judgeSentence(text string, by []bridge.Sentence) (v bridge.Verdict, vague bool) {
	text = strings.ToLower(text)
	for _, s := range by {
		if strings.Contains(text, strings.ToLower(s.Holds)) {
			return s.Means, false
		}
	}
	return bridge.BadGrant, true
}

// hasError tells whether the reply holds any error, whatever its type.
func hasError(object map[string]any, r bridge.Reading) bool {
	return errorCode(object, r) != "" || r.ErrorIn == "" && object["error"] != nil
}

// standard judges the codes of RFC 6749, 6750 and 8628 and those that servers
// were seen to use instead (Keycloak: unauthorized_client for a wrong secret;
// Spring: unauthorized for bad Basic, invalid_token for a dead refresh token).
func standard(code string) (v bridge.Verdict, known bool) {
	switch code {
	case "invalid_grant", "invalid_token", "expired_token", "access_denied":
		return bridge.BadGrant, true
	case "invalid_client", "unauthorized_client", "unauthorized", "invalid_scope",
		"unsupported_grant_type", "unsupported_response_type", "redirect_uri_mismatch", "invalid_redirect_uri":
		return bridge.BadClient, true
	case "invalid_request":
		// fosite says so when its storage is in conflict, and what we send is made by
		// the dialect, whoever the client is: nothing definite.
		return "", true
	case "temporarily_unavailable", "server_error":
		return bridge.Passing, true
	}
	return "", false
}

// retryAfter reads both forms of the header: seconds, and a date, which is
// compared with the server's own clock where it names one.
func retryAfter(header http.Header) (wait time.Duration, named bool) {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 {
		return bounded(time.Duration(min(s, longestWait.Seconds()) * float64(time.Second))), true
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return bounded(until.Sub(now)), true
}

func bounded(wait time.Duration) time.Duration { return min(max(wait, leastGap), longestWait) }

// unsent reads why a call got no whole reply. connected tells whether a
// connection was ever obtained: without one nothing was sent. The words are our
// own, because error texts of net/http print URLs, and those hold tokens.
func unsent(err error, connected, clockTrusted bool) *trouble {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired && !clockTrusted {
		return fail(classClock, "", "the vendor's certificate is not valid at this machine's time, which is not trusted yet")
	}
	if connected {
		return fail(classLost, "", "the connection ended before the vendor's reply was whole")
	}
	what := "no connection to the vendor's token server"
	var (
		name    *net.DNSError
		timeout net.Error
	)
	switch {
	case errors.As(err, &name):
		what += ": the name " + name.Name + " is not found"
	case errors.As(err, &timeout) && timeout.Timeout():
		what += ": no answer in time"
	case certificate(err):
		what += ": its certificate is not accepted"
	}
	return fail(classNotSent, "", what)
}

func certificate(err error) bool {
	var (
		invalid   x509.CertificateInvalidError
		unknown   x509.UnknownAuthorityError
		otherName x509.HostnameError
	)
	return errors.As(err, &invalid) || errors.As(err, &unknown) || errors.As(err, &otherName)
}
