package bridge

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// mask is what every way of printing a Secret shows.
const mask = "***"

// Secret is text that must never be shown: a token, a password, a client
// secret. Every way of printing, logging or encoding it gives "***"; only
// [Secret.Reveal] gives the text. It holds a pointer, because fmt calls no
// methods on an unexported field of another struct: there an address is printed
// instead of the text. Compare with [Secret.Equal], never with ==.
//
// A record that is to be stored uses plain strings: an encoded Secret is a mask.
type Secret struct{ text *string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text itself. Every call is a place to look at in review.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty tells whether there is no text.
func (s Secret) Empty() bool { return s.text == nil || *s.text == "" }

// Equal compares in constant time for texts of equal length.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String masks.
func (s Secret) String() string { return mask }

// GoString masks %#v.
func (s Secret) GoString() string { return mask }

// Format masks every verb, also %d and %x, which call neither String nor GoString.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// LogValue masks in slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText masks in JSON, YAML and text encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalText reads a secret from the configuration.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
