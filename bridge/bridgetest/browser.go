package bridgetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Browser is a real Chromium without a window on a screen, driven by the WebDriver
// protocol. It reaches this machine and nothing else.
type Browser struct {
	t       testing.TB
	session string // URL of the WebDriver session
}

// Element is a part of the page that is shown.
type Element struct {
	b  *Browser
	id string
}

// elementKey is what WebDriver calls a reference to an element.
const elementKey = "element-6066-11e4-a52e-4f735466cecf"

// finding is how long the browser itself waits for a part of the page.
const finding = 10 * time.Second

// StartBrowser opens a window of this width and height, with a fresh profile, and
// closes it at the test's end. narrow is a phone: touch, and the page's viewport
// counts. Without a Chromium the test is skipped; with CI=true it fails.
func StartBrowser(t testing.TB, width, height int, narrow bool) *Browser {
	t.Helper()
	chromium, errBrowser := exec.LookPath("chromium")
	driver, errDriver := exec.LookPath("chromedriver")
	switch missing := errBrowser != nil || errDriver != nil; {
	case missing && os.Getenv("CI") == "true":
		t.Fatal("CI=true needs a browser: apt-get install chromium chromium-driver")
	case missing:
		t.Skip("left out: needs a real browser, and there is no chromium with chromedriver")
	}
	// Not t.TempDir: the browser's last processes may still write when it is removed.
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	options := map[string]any{"binary": chromium, "args": []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--user-data-dir=" + profile, fmt.Sprintf("--window-size=%d,%d", width, height)}}
	if narrow {
		options["mobileEmulation"] = map[string]any{"deviceMetrics": map[string]any{"width": width, "height": height, "pixelRatio": 2, "touch": true}}
	}
	b := &Browser{t: t, session: startDriver(t, driver)}
	var opened struct {
		ID string `json:"sessionId"`
	}
	b.do("POST", "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"goog:chromeOptions": options, "goog:loggingPrefs": map[string]string{"browser": "ALL", "performance": "ALL"},
		"timeouts": map[string]int64{"implicit": finding.Milliseconds()},
	}}}, &opened)
	b.session += "/session/" + opened.ID
	t.Cleanup(func() {
		if t.Failed() {
			var shown string
			b.Run("return location.href + '\\n' + document.body.innerText", &shown)
			t.Logf("the browser shows %s", shown)
		}
		b.do("DELETE", "", nil, nil)
	})
	return b
}

// startDriver runs chromedriver on a port of its own choice and returns its URL.
func startDriver(t testing.TB, driver string) string {
	t.Helper()
	process := exec.Command(driver, "--port=0")
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	t.Cleanup(func() { _ = process.Process.Kill(); <-read; _ = process.Wait() })
	port := make(chan string, 1)
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, after, ok := strings.Cut(lines.Text(), "started successfully on port "); ok {
				port <- strings.TrimSuffix(after, ".")
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case p := <-port:
		return "http://127.0.0.1:" + p
	case <-read:
		t.Fatal("chromedriver ended before it was ready")
	case <-time.After(readyWithin):
		t.Fatalf("chromedriver was not ready within %v", readyWithin)
	}
	return ""
}

// do is one WebDriver command; its value is decoded into value unless that is nil.
func (b *Browser) do(method, path string, body, value any) {
	b.t.Helper()
	var in bytes.Buffer
	if method == http.MethodPost {
		if body == nil {
			body = struct{}{}
		}
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			b.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, b.session+path, &in)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: 2 * time.Minute}).Do(req)
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	defer resp.Body.Close()
	var reply struct{ Value json.RawMessage }
	err = json.NewDecoder(resp.Body).Decode(&reply)
	if err == nil && value != nil {
		err = json.Unmarshal(reply.Value, value)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("browser: %s %s: %s %v\n%.1000s", method, path, resp.Status, err, reply.Value)
	}
}

// Open goes to a page and waits until it is loaded.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.do("POST", "/url", map[string]string{"url": url}, nil)
}

// Find waits for the first part of the page that an XPath names.
func (b *Browser) Find(xpath string) Element {
	b.t.Helper()
	var found map[string]string
	b.do("POST", "/element", map[string]string{"using": "xpath", "value": xpath}, &found)
	return Element{b, found[elementKey]}
}

// Text is what a person reads there.
func (e Element) Text() (text string) {
	e.b.t.Helper()
	e.b.do("GET", "/element/"+e.id+"/text", nil, &text)
	return text
}

// Click presses it; it must be in reach.
func (e Element) Click() {
	e.b.t.Helper()
	e.b.do("POST", "/element/"+e.id+"/click", nil, nil)
}

// Type writes into it, in the place of what stands there.
func (e Element) Type(text string) {
	e.b.t.Helper()
	e.b.do("POST", "/element/"+e.id+"/clear", nil, nil)
	e.b.do("POST", "/element/"+e.id+"/value", map[string]string{"text": text}, nil)
}

// Run runs a script's body in the page and decodes what it returns.
func (b *Browser) Run(script string, value any) {
	b.t.Helper()
	b.do("POST", "/execute/sync", map[string]any{"script": script, "args": []any{}}, value)
}

// Complaints are the warnings and errors of the browser's console since the last
// time.
func (b *Browser) Complaints() (all []string) {
	b.t.Helper()
	for _, entry := range b.log("browser") {
		if entry.Level == "WARNING" || entry.Level == "SEVERE" {
			all = append(all, entry.Message)
		}
	}
	return all
}

// Hosts are the hosts that were asked for anything since the last time.
func (b *Browser) Hosts() map[string]bool {
	b.t.Helper()
	hosts := map[string]bool{}
	for _, entry := range b.log("performance") {
		var event struct {
			Message struct {
				Method string
				Params struct{ Request struct{ URL string } }
			}
		}
		if err := json.Unmarshal([]byte(entry.Message), &event); err != nil {
			b.t.Fatal(err)
		}
		if event.Message.Method == "Network.requestWillBeSent" {
			u, err := url.Parse(event.Message.Params.Request.URL)
			if err != nil {
				b.t.Fatal(err)
			}
			if u.Scheme == "http" || u.Scheme == "https" { // not the browser's own pages
				hosts[u.Host] = true
			}
		}
	}
	return hosts
}

type logEntry struct{ Level, Message string }

func (b *Browser) log(kind string) (entries []logEntry) {
	b.t.Helper()
	b.do("POST", "/se/log", map[string]string{"type": kind}, &entries)
	return entries
}
