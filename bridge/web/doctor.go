package web

import (
	"context"
	"net/http"
)

// Diagnosis is what `latchkey doctor` found.
type Diagnosis struct {
	Findings []Finding `json:"findings"`
	ACL      string    `json:"acl"` // for a Mosquitto: what latchkey needs, and what Home Assistant does
}

// Finding is one thing that was looked at.
type Finding struct {
	About   string `json:"about"` // broker, access, retained, clock, disk, files, redirect, sign-in, doors
	Grade   Grade  `json:"grade"`
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"` // what to do
}

// Grade is how bad it is.
type Grade string

// The grades. A problem makes `latchkey doctor` exit with 1.
const (
	Fine    Grade = "ok"
	Notice  Grade = "notice"
	Trouble Grade = "PROBLEM"
)

// Ill tells whether a problem was found.
func (d Diagnosis) Ill() bool {
	for _, f := range d.Findings {
		if f.Grade == Trouble {
			return true
		}
	}
	return false
}

// Doctor looks at everything that the daemon lives on. It takes some seconds.
func (c *Client) Doctor(ctx context.Context) (Diagnosis, error) {
	return ask[Diagnosis](ctx, c, http.MethodGet, "/doctor", nil)
}
