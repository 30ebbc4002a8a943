package oauth

import "testing"

func TestKeep(t *testing.T) {
	encode := func(r record) []byte {
		text, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	a, b, c := pair{Access: "a1", Refresh: "a2"}, pair{Access: "b1", Refresh: "b2"}, pair{Access: "c1", Refresh: "c2"}
	sameGrant := pair{Access: "a3", Refresh: "a2"}
	for _, test := range []struct {
		name      string
		old, next []byte
		want      bool
	}{
		{"the journal opens", encode(record{Pair: a}), encode(record{Pair: a, Intent: &intent{Hash: "x"}}), false},
		{"rotated once", encode(record{Pair: a}), encode(record{Pair: b, Before: a}), false},
		{"rotated twice: a falls off", encode(record{Pair: b, Before: a}), encode(record{Pair: c, Before: b}), true},
		{"renewed without rotation", encode(record{Pair: a}), encode(record{Pair: sameGrant}), false},
		{"an access token without a refresh token", encode(record{Pair: pair{Access: "x"}}), encode(record{Pair: a}), true},
		{"logged out", encode(record{Pair: a}), encode(record{Ended: signedOut}), true},
		{"a pending sign-in is dropped", encode(record{Pair: a, Pending: &arrival{Pair: b}}), encode(record{Pair: a}), true},
		{"a pending sign-in is taken into use", encode(record{Pair: a, Pending: &arrival{Pair: b}}), encode(record{Pair: b, Before: a}), false},
		{"nothing before", encode(record{}), encode(record{Pair: a}), false},
		{"damaged", []byte("{"), encode(record{Pair: a}), true},
	} {
		if got := Keep(test.old, test.next); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
