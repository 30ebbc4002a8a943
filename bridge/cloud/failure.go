package cloud

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"latchkey/bridge"
)

// refuse is a request that latchkey does not send because of what it is.
func refuse(why string) *bridge.Failure {
	return &bridge.Failure{Reason: bridge.ReasonDenied, Message: "not sent: " + why}
}

// late is a request that was not sent because its time was over.
func late(why string) *bridge.Failure {
	return &bridge.Failure{Reason: bridge.ReasonDeadline, Message: "not sent in time: " + why}
}

// look is the end of every message about a command whose effect is not known.
const look = ": it may have been carried out, so look at the door before you try again"

// failure classifies an answer that is no 2xx, or none at all. It is the only
// place that does (hazards section 4.1); reads and commands differ in words.
func (c *Client) failure(out *outgoing, a *answer, b bridge.Bearer) *bridge.Failure {
	f := &bridge.Failure{Status: a.status}
	command := out.permit != nil
	switch {
	case a.err != nil && !a.connected:
		f.Reason = bridge.ReasonNotSent
		f.Message = fmt.Sprintf("not sent: no connection to %s (%s)", out.url.Hostname(), cause(a.err))
	case a.err != nil:
		f.Reason, f.Status = bridge.ReasonNoAnswer, 0
		f.Message = fmt.Sprintf("no whole answer from the cloud (%s)", cause(a.err))
		if command {
			f.Message = fmt.Sprintf("sent, but no whole answer came back (%s)%s", cause(a.err), look)
		}
	default:
		f.Reason = judge(a.status)
		f.Detail = redact(a.body, b)
		f.Message = fmt.Sprintf("%s (HTTP %d)", verdict(a.status), a.status)
		if command && f.Reason == bridge.ReasonNoAnswer {
			f.Message += look
		}
		c.hold.heed(a)
	}
	return f
}

// judge maps the status of a whole answer. A refusal is certain; 408, 5xx and
// redirects that browsers follow after a form was carried out are not.
func judge(status int) bridge.Reason {
	switch {
	case status == http.StatusTooManyRequests:
		return bridge.ReasonRateLimited
	case status == http.StatusRequestTimeout:
		return bridge.ReasonNoAnswer
	case status/100 == 4, status == 301, status == 307, status == 308:
		return bridge.ReasonRejected
	}
	return bridge.ReasonNoAnswer
}

func verdict(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "the cloud refused the access token"
	case status == http.StatusForbidden:
		return "the cloud does not allow it"
	case status == http.StatusNotFound:
		return "the cloud does not know it"
	case status == http.StatusTooManyRequests:
		return "the cloud was asked too often"
	case status == http.StatusRequestTimeout:
		return "the cloud gave up waiting"
	case status/100 == 4:
		return "the cloud refused it"
	case status/100 == 3:
		return "the cloud sent latchkey elsewhere, where it does not go"
	case status/100 == 5:
		return "the cloud has a fault"
	}
	return "the cloud gave an odd answer"
}

// cause says in own words what went wrong below HTTP. Go's text may hold
// addresses and bytes of the reply.
func cause(err error) string {
	certificate, expired := errors.AsType[x509.CertificateInvalidError](err)
	expired = expired && certificate.Reason == x509.Expired
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, errTooLong):
		return "it is longer than allowed"
	case errors.Is(err, context.Canceled):
		return "stopped"
	case is[*net.DNSError](err):
		return "name not found"
	case expired:
		return "its certificate is not valid at this time: check the clock"
	case is[*tls.CertificateVerificationError](err):
		return "its certificate is not trusted"
	case errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout():
		return "it took too long"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection lost"
	}
	return "network error"
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// trace writes one debug line a sending: the only place where a body is logged.
func (c *Client) trace(ctx context.Context, out *outgoing, a *answer, b bridge.Bearer, took time.Duration) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	args := []any{"lane", out.lane, "method", out.method, "host", out.url.Host, "status", a.status, "took", took}
	if a.err != nil {
		args = append(args, "err", string(redact([]byte(a.err.Error()), b)))
	} else if !a.fine() {
		args = append(args, "body", string(redact(a.body, b)))
	}
	c.log.DebugContext(ctx, "asked the cloud", args...)
}
