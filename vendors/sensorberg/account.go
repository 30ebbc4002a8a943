package sensorberg

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	"latchkey/bridge"
)

// account checks the token: what else it can do stands in the configuration.
type account struct {
	cloud  bridge.Cloud
	info   string // path of token info
	log    *slog.Logger
	absent atomic.Bool // token info was not there the last time
}

// Open makes the account's functions.
func (o *Options) Open(s bridge.Settings, env bridge.Env) (bridge.Account, error) {
	a := &account{cloud: env.Cloud, info: o.OAuth + "/token/info", log: env.Log}
	if o.HealthCheck == CheckNone {
		return bridge.Account{}, nil
	}
	return bridge.Account{Tasks: []bridge.Task{{Name: "token_info", Every: s.Poll, Do: a.check}}}, nil
}

// check finds out early that a token was revoked: an account that is only
// commanded would notice at the door. The client renews what is answered 401
// `invalid_token`. A cloud without token info is no failure.
func (a *account) check(ctx context.Context, _ bridge.Report) error {
	reply, err := a.cloud.Read(ctx, bridge.Request{Path: a.info})
	if f, ok := errors.AsType[*bridge.Failure](err); ok && (f.Status == http.StatusNotFound || f.Status == http.StatusMethodNotAllowed) {
		if !a.absent.Swap(true) {
			a.log.Info("this cloud has no token info, so its tokens are not checked (health_check: none)")
		}
		return nil
	}
	if err != nil {
		return err
	}
	a.absent.Store(false)
	var shown map[string]json.RawMessage
	_ = json.Unmarshal(reply.Body, &shown)
	if shown["application"] == nil { // all versions of the library name it
		return &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: reply.Status, Message: "the cloud's answer to " + a.info + " is not understood"}
	}
	return nil
}
