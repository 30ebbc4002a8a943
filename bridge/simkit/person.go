package simkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Person signs in at a simulator's consent page as somebody would in a browser.
type Person struct {
	Client         *http.Client // nil: http.DefaultClient; its cookies are the browser's
	Name, Password string
}

// Allow opens start (the vendor's authorize URL, or a page that redirects to
// it), signs in and agrees. It returns the address that the browser is sent to,
// which carries the code; nothing is asked there.
func (p Person) Allow(ctx context.Context, start string) (callback string, err error) {
	return p.decide(ctx, start, decisionAllow)
}

// Deny opens start and refuses.
func (p Person) Deny(ctx context.Context, start string) (callback string, err error) {
	return p.decide(ctx, start, decisionDeny)
}

func (p Person) decide(ctx context.Context, start, decision string) (string, error) {
	c := p.Client
	if c == nil {
		c = http.DefaultClient
	}
	page, err := send(ctx, c, http.MethodGet, start, nil)
	if err != nil {
		return "", fmt.Errorf("open the consent page: %w", err)
	}
	if page.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the consent page answered %s", page.Status)
	}
	stay := *c
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	done, err := send(ctx, &stay, http.MethodPost, page.Request.URL.String(),
		url.Values{fieldName: {p.Name}, fieldPassword: {p.Password}, fieldDecision: {decision}})
	if err != nil {
		return "", fmt.Errorf("send the consent page: %w", err)
	}
	if done.StatusCode/100 != 3 {
		return "", fmt.Errorf("the consent page answered %s instead of going back: wrong user, password or scope", done.Status)
	}
	to, err := done.Location()
	if err != nil {
		return "", fmt.Errorf("the consent page leads nowhere: %w", err)
	}
	return to.String(), nil
}

// send reads and closes the reply. Its errors name no query, which may hold a code.
func send(ctx context.Context, c *http.Client, method, to string, form url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("unusable address")
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(req)
	if err != nil {
		var inURL *url.Error
		if errors.As(err, &inURL) {
			return nil, inURL.Err
		}
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	return resp, err
}
