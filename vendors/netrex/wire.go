package netrex

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// The shapes of the cloud's JSON, read leniently: ids and figures are numbers or
// text, unknown members are ignored, and a member of an odd type counts as absent.

// answer is a reply of the GraphQL endpoint. Error is how the OAuth side of this
// cloud says it: a sentence.
type answer struct {
	Data   map[string]json.RawMessage `json:"data"`
	Errors []fault                    `json:"errors"`
	Error  word                       `json:"error"`
}

type fault struct {
	Extensions struct {
		Code word `json:"code"`
	} `json:"extensions"`
}

// UnmarshalJSON never fails on valid JSON: errors of an odd shape are errors, too.
func (f *fault) UnmarshalJSON(b []byte) error {
	type shape fault
	_ = json.Unmarshal(b, (*shape)(f))
	return nil
}

type node struct {
	ID       word `json:"node_id"`
	Parent   word `json:"parent_node_id"`
	Type     word `json:"type"`
	Name     word `json:"name"`
	External word `json:"external_id"`
}

func (n node) is(kind string) bool { return strings.EqualFold(string(n.Type), kind) }

type recording struct {
	ID       word   `json:"recording_id"`
	Duration figure `json:"duration"`
	Link     word   `json:"download_url"` // "" until it is prepared
	Outputs  []struct {
		Height figure `json:"height"`
	} `json:"outputs"`
}

func (r recording) heights() []int64 {
	all := []int64{}
	for _, out := range r.Outputs {
		if out.Height.known {
			all = append(all, int64(out.Height.value))
		}
	}
	return all
}

// word is text or a number as text; anything else is "".
type word string

// UnmarshalJSON never fails on valid JSON.
func (w *word) UnmarshalJSON(b []byte) error {
	var s string
	switch {
	case json.Unmarshal(b, &s) == nil:
		*w = word(s) // null is ""
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*w = word(b)
	}
	return nil
}

// figure is a number, or its text.
type figure struct {
	known bool
	value float64
}

// UnmarshalJSON never fails on valid JSON.
func (f *figure) UnmarshalJSON(b []byte) error {
	var w word
	_ = w.UnmarshalJSON(b)
	v, err := strconv.ParseFloat(strings.TrimSpace(string(w)), 64)
	if err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		*f = figure{true, v}
	}
	return nil
}
