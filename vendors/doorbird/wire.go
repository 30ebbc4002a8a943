package doorbird

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// The shapes of the cloud's JSON. No schema was seen, so unknown members are
// ignored, missing ones are zero and numbers may come as strings.

// word is a JSON string or number as text; null is "".
type word string

// UnmarshalJSON reads both.
func (w *word) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	if b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*w = word(s)
		return err
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("neither text nor a number")
	}
	*w = word(n)
	return nil
}

// int is the number in the word, 0 if it is none.
func (w word) int() int {
	n, err := strconv.Atoi(string(w))
	if err != nil {
		return 0
	}
	return n
}

type metadata struct {
	MAC  string `json:"mac"`
	Type string `json:"intercomTypeName"`
}

type user struct {
	Permissions struct {
		AllowedRelays []struct {
			ID         word `json:"id"`
			Peripheral word `json:"peripheral"`
		} `json:"allowedRelays"`
	} `json:"permissions"`
}

type relaySetting struct {
	ID   word   `json:"id"`
	Name string `json:"name"`
}

type pictureLink struct {
	URL string `json:"url"`
}

// pulse is the body that names a controller's relay.
type pulse struct {
	Peripheral string `json:"peripheral"`
}

// newFavourite is an entry for the station's address book.
type newFavourite struct {
	Identifier int    `json:"identifier"`
	Title      string `json:"title"`
	Value      string `json:"value"` // the address
	Displayed  string `json:"displayedTitle"`
}

type pushed struct {
	Timestamp  word   `json:"timestamp"` // Unix seconds
	MAC        string `json:"mac"`
	Event      string `json:"event"`
	Param      word   `json:"eventparam"`
	Peripheral word   `json:"peripheral"`
}
