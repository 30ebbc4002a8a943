package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// config.example.yaml is what people copy: as it stands, and with every setting
// switched on, the real program with the real vendors takes it.
func TestExampleConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("something-secret-enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"as it is":        string(text),
		"all switched on": regexp.MustCompile(`(?m)^( *)#(\S)`).ReplaceAllString(string(text), "$1$2"),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out, errs := run(t, "", "check", "--config", path)
			if code != 0 || !strings.Contains(out, "is fine") {
				t.Errorf("latchkey check: %d\n%s%s", code, out, errs)
			}
		})
	}
}
