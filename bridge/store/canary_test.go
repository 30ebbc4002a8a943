package store_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/store"
)

// No secret lies in clear in any file, in a backup, in the log or in an error.
func TestCanary(t *testing.T) {
	const canary = "canary-1f2e3d4c5b6a"
	const key = "key-canary-98765432"
	dir := t.TempDir()
	var log bytes.Buffer
	o := store.Options{Dir: dir, Key: bridge.NewSecret(key), Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	s := opened(t, o)
	for range 3 {
		save(t, s, "gate", canary)
	}
	for _, x := range slots(s) {
		if err := x.save([]byte(canary)); err != nil {
			t.Fatal(err)
		}
	}
	var backup bytes.Buffer
	if err := s.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	places := files(t, dir)
	write(t, database(dir), places["latchkey.db"][:9000])
	shut(t, opened(t, o))
	for name, data := range files(t, dir) {
		places["later "+name] = data
	}
	o.Key = bridge.NewSecret(key + "x")
	_, err := store.Open(o)
	if err == nil {
		t.Fatal("opened with a wrong key")
	}
	places["backup"], places["log"], places["error"] = backup.String(), log.String(), err.Error()
	if len(places) < 10 || log.Len() == 0 {
		t.Fatalf("looked at %d places only", len(places))
	}
	for name, data := range places {
		for _, secret := range []string{canary, key} {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.RawStdEncoding.EncodeToString([]byte(secret))} {
				if strings.Contains(data, form) {
					t.Errorf("%s holds %q", name, form)
				}
			}
		}
	}
}
