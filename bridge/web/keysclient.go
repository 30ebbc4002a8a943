package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// comeBack is how long a daemon may take to change its store.
const comeBack = time.Minute

// Tokens lists an account's kept credentials, the newest first.
func (c *Client) Tokens(ctx context.Context, account string) ([]KeptToken, error) {
	return ask[[]KeptToken](ctx, c, http.MethodGet, "/tokens?account="+url.QueryEscape(account), nil)
}

// RestoreToken brings an earlier generation back, 0 the newest, and returns its
// new number.
func (c *Client) RestoreToken(ctx context.Context, account string, generation uint64) (uint64, error) {
	return ask[uint64](ctx, c, http.MethodPost, "/tokens?account="+url.QueryEscape(account), KeptToken{Generation: generation})
}

// Backup writes a consistent copy of the store to w. On an error what was written
// is not a whole one.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	body, err := c.send(ctx, http.MethodGet, "/backup", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("read the backup from the daemon: %w", err)
	}
	return nil
}

// Restore has a backup take the place of the store, and waits until the daemon
// is back with it.
func (c *Client) Restore(ctx context.Context, backup io.Reader, takeOver bool) (Replaced, error) {
	body, err := c.send(ctx, http.MethodPost, "/restore?take_over="+strconv.FormatBool(takeOver), backup)
	if err != nil {
		return Replaced{}, err
	}
	var number uint64
	err = json.NewDecoder(body).Decode(&number)
	_ = body.Close()
	if err != nil {
		return Replaced{}, fmt.Errorf("read the daemon's answer to /restore: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, comeBack)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := ask[Replaced](ctx, c, http.MethodGet, "/restore", nil)
		switch {
		case err == nil && done.Number == number && done.Error != "":
			return Replaced{}, errors.New(done.Error)
		case err == nil && done.Number == number:
			return done, nil
		}
		select {
		case <-tick.C: // its socket goes away and comes again
		case <-ctx.Done():
			return Replaced{}, errors.New("the daemon has taken the backup, but did not come back with it: its log says why")
		}
	}
}

// TakeOver says that restored credentials now live here.
func (c *Client) TakeOver(ctx context.Context) error {
	_, err := ask[struct{}](ctx, c, http.MethodPost, "/take-over", nil)
	return err
}

// Rekey makes a new key for the store; waits is where it waits for a person.
func (c *Client) Rekey(ctx context.Context) (waits string, err error) {
	return ask[string](ctx, c, http.MethodPost, "/rekey", nil)
}
