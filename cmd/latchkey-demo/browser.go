package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"

	"latchkey/bridge/simkit"
)

// signIn does what a person does in a browser: the page's sign-in, the vendor's
// consent page, and the way back.
func signIn(ctx context.Context, page, account string, who simkit.Person) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	who.Client = &http.Client{Jar: jar}
	back, err := who.Allow(ctx, page+"/accounts/"+account+"/login")
	if err != nil {
		return fmt.Errorf("at the vendor's consent page: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, back, nil)
	if err != nil {
		return err
	}
	done, err := who.Client.Do(req)
	if err != nil {
		return err
	}
	defer done.Body.Close()
	if done.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(done.Body, 4<<10))
		return fmt.Errorf("the callback answered %s: %s", done.Status, text)
	}
	return nil
}
