package cloud

import (
	"bytes"
	"net/url"
	"strings"

	"latchkey/bridge"
)

// most is how much of a body is kept in a Failure and in a debug line.
const most = 2 << 10

// redact cuts a body short and takes the bearer out of it, in the spellings in
// which a server may echo it. It cuts last, so that no half of a token is left.
func redact(body []byte, b bridge.Bearer) []byte {
	if token := b.Token.Reveal(); token != "" {
		for _, spelling := range []string{token, url.QueryEscape(token), url.PathEscape(token), strings.ReplaceAll(token, "/", `\/`)} {
			body = bytes.ReplaceAll(body, []byte(spelling), []byte("***"))
		}
	}
	if len(body) > most {
		return append(bytes.Clone(body[:most]), "..."...)
	}
	return body
}
