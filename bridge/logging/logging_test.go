package logging_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/logging"
)

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if value, ok := strings.CutPrefix(p, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

func TestFormats(t *testing.T) {
	const clock = `\d\d:\d\d:\d\d`
	for _, c := range []struct{ format, want string }{
		{"", `^time=\S+ level=INFO msg="token refreshed" account=gate err="a\\nb"\n$`},
		{"auto", `^time=\S+ level=INFO msg="token refreshed" account=gate err="a\\nb"\n$`},
		{"text", `^time=\S+ level=INFO msg="token refreshed" account=gate err="a\\nb"\n$`},
		{"json", `^\{"time":"[^"]+","level":"INFO","msg":"token refreshed","account":"gate","err":"a\\nb"\}\n$`},
		{"color", `^\x1b\[2m` + clock + `\x1b\[0m \x1b\[92mINF\x1b\[0m token refreshed \x1b\[2maccount=\x1b\[0mgate .*\n$`},
	} {
		t.Run(c.format, func(t *testing.T) {
			var out bytes.Buffer
			log, _ := logging.New(logging.Options{Format: c.format, Out: &out, Getenv: env()})
			log.Info("token refreshed", "account", "gate", "err", errors.New("a\nb"))
			if !regexp.MustCompile(c.want).MatchString(out.String()) {
				t.Errorf("got  %q\nwant %q", out.String(), c.want)
			}
		})
	}
}

func TestChangesWhileItRuns(t *testing.T) {
	var out bytes.Buffer
	log, set := logging.New(logging.Options{Level: slog.LevelWarn, Out: &out, Getenv: env()})
	room := log.With("account", "gate").WithGroup("g")
	log.Info("one")
	room.Info("one")
	set(slog.LevelDebug, "json")
	log.Debug("two")
	room.Debug("three", "n", 3)
	set(slog.LevelInfo, "text")
	room.Debug("four")
	room.Info("five", "n", 5)
	want := `^\{"time":"[^"]+","level":"DEBUG","msg":"two"\}
\{"time":"[^"]+","level":"DEBUG","msg":"three","account":"gate","g":\{"n":3\}\}
time=\S+ level=INFO msg=five account=gate g.n=5
$`
	if s := out.String(); !regexp.MustCompile(want).MatchString(s) {
		t.Errorf("got %q, want it like %s", s, want)
	}
}

func TestRedactor(t *testing.T) {
	const secret, inURL = "CANARY-5f2b/+x", "CANARY-5f2b%2F%2Bx"
	var out bytes.Buffer
	redactor := &logging.Redactor{}
	redactor.Add(bridge.NewSecret(secret))
	redactor.Add(bridge.NewSecret("CANARY-5f2b"))
	redactor.Add(bridge.NewSecret("abc")) // too short: not looked for
	log, _ := logging.New(logging.Options{Out: &out, Getenv: env(), Redactor: redactor})
	log = log.With("with", "a "+secret+" b").WithGroup("g")
	log.Info("message "+secret, "url", "https://x/?code="+inURL+"&y="+secret, "err", fmt.Errorf("reply: %s", secret), "bytes", []byte(secret),
		"list", []string{"x", secret}, slog.Group("deep", "v", secret), "n", 5, "abc", "abc", "plain", errors.New("kept"))
	got := out.String()
	if strings.Contains(got, "CANARY") {
		t.Errorf("the secret is shown: %s", got)
	}
	for _, want := range []string{"message ***", "with=", "a *** b", "https://x/?code=***&y=***", "reply: ***", "[x ***]", "g.deep.v=***", "g.n=5", "g.abc=abc", "g.plain=kept"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want it to hold %q", got, want)
		}
	}
}

func TestMask(t *testing.T) {
	r := &logging.Redactor{}
	if got := r.Mask("nothing known"); got != "nothing known" {
		t.Errorf("got %q", got)
	}
	for _, s := range []string{"secret", "secret-longer", "other1"} {
		r.Add(bridge.NewSecret(s))
	}
	for text, want := range map[string]string{
		"": "", "secre": "secre", "secret": "***", "secretsecret": "******", "xsecretx": "x***x", "secret-longer": "***", "secret-long": "***-long",
		"ssecret": "s***", "other1 secret": "*** ***", "SECRET": "SECRET",
	} {
		if got := r.Mask(text); got != want {
			t.Errorf("Mask(%q) = %q, want %q", text, got, want)
		}
	}
}

// The redactor is bounded: of many secrets the newest are known.
func TestRedactorForgetsTheOldest(t *testing.T) {
	r := &logging.Redactor{}
	name := func(i int) string { return fmt.Sprintf("secret%05d", i) }
	const added = 5000
	for i := range added {
		r.Add(bridge.NewSecret(name(i)))
		r.Add(bridge.NewSecret(name(i))) // again: takes no place
	}
	for i, want := range map[int]string{added - 1: "***", added - 4096: "***", added - 4097: name(added - 4097), 0: name(0)} {
		if got := r.Mask(name(i)); got != want {
			t.Errorf("Mask(%q) = %q, want %q", name(i), got, want)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	r := &logging.Redactor{}
	for i := range 4096 {
		r.Add(bridge.NewSecret(fmt.Sprintf("%08x-token-of-some-length", uint32(i)*2654435761)))
	}
	text := strings.Repeat("an everyday attribute ", 5)
	for b.Loop() {
		r.Mask(text)
	}
}
