package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager/cameramanagersim"
	"latchkey/vendors/doorbird/doorbirdsim"
)

const (
	station  = "1ccae3a1b2c3" // doorbirdsim.DemoMAC as an id
	patience = 20 * time.Second
)

var (
	topics   = bridge.Topics{Prefix: "latchkey"}
	relayOne = bridge.Ref{Device: station, Entity: "relay_1"}
)

// home is a house under test: simulated clouds in this process, a broker, and the
// real program as a process of its own.
type home struct {
	t        testing.TB
	dir      string // short, so that the socket's path fits
	page     string
	doorbird *doorbirdsim.Sim
	cameras  *cameramanagersim.Sim
	clouds   map[string]*httptest.Server
	mqtt     *bridgetest.Client // another program on the broker
	env      []string           // of the program, beyond this process's
	process  *exec.Cmd
	exited   chan struct{}
	log      *output
	started  time.Time // in whole seconds, as bridge/info has it
	accepts  time.Time // when commands were last said to be taken
	signed   time.Time // when an account was last signed in
}

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // closed by the next write; nil: nobody waits
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.news != nil {
		close(o.news)
		o.news = nil
	}
	return o.text.Write(b)
}

// await waits until a text has been printed so many times.
func (o *output) await(t testing.TB, times int, text string) {
	t.Helper()
	late := time.After(patience)
	for {
		o.mu.Lock()
		if strings.Count(o.text.String(), text) >= times {
			o.mu.Unlock()
			return
		}
		if o.news == nil {
			o.news = make(chan struct{})
		}
		news := o.news
		o.mu.Unlock()
		select {
		case <-news:
		case <-late:
			t.Fatalf("the program did not print %q %d times within %v", text, times, patience)
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// newHome sets a house up; nothing of latchkey runs yet. settings are added to the
// configuration's top level.
func newHome(t testing.TB, broker string, settings ...string) *home {
	t.Helper()
	dir, err := os.MkdirTemp("", "lk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := &home{t: t, dir: dir, doorbird: doorbirdsim.New(doorbirdsim.Options{}), log: &output{},
		cameras: cameramanagersim.New(cameramanagersim.Options{Settings: cameramanagersim.Settings{StillLeast: time.Millisecond, StillMost: time.Millisecond}})}
	h.clouds = map[string]*httptest.Server{"doorbird": httptest.NewServer(h.doorbird.Handler()), "cameramanager": httptest.NewServer(h.cameras.Handler())}
	for _, s := range h.clouds {
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	}
	h.page = fmt.Sprintf("127.0.0.1:%d", bridgetest.FreePort(t))
	h.write(fmt.Sprintf(`instance: home
state_dir: %s/state
mqtt: {broker: %q}
web: {listen: %s}
log: {level: debug, format: text}
%s
accounts:
  gate:
    vendor: doorbird
    name: Front gate
    base_url: %s
    client_id: %s
    client_secret: %s
    scope: deviceAdmin
  yard:
    vendor: cameramanager
    base_url: %s
    client_id: %s
    client_secret: %s
`, dir, broker, h.page, strings.Join(settings, "\n"), h.clouds["doorbird"].URL, doorbirdsim.DemoClient, doorbirdsim.DemoSecret,
		h.clouds["cameramanager"].URL, cameramanagersim.DemoClient, cameramanagersim.DemoSecret))
	h.mqtt = bridgetest.Dial(t, broker, bridgetest.ClientOptions{})
	h.mqtt.Subscribe("latchkey/#")
	h.mqtt.Subscribe("homeassistant/#")
	t.Cleanup(func() {
		h.kill()
		h.noSecrets()
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", h.log)
		}
	})
	return h
}

func (h *home) config() string { return filepath.Join(h.dir, "config.yaml") }

func (h *home) write(text string) {
	h.t.Helper()
	if err := os.WriteFile(h.config(), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) edit(change func(string) string) {
	h.t.Helper()
	text, err := os.ReadFile(h.config())
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(change(string(text)))
}

// start runs `latchkey run` and waits until it is on the broker.
func (h *home) start() {
	h.t.Helper()
	h.launch()
	h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("online"), patience)
}

func (h *home) launch() {
	h.t.Helper()
	h.started, h.accepts = time.Now().Truncate(time.Second), time.Time{}
	h.process = exec.Command(program, "run", "--config", h.config())
	h.process.Env = append(os.Environ(), h.env...)
	h.process.Stdout, h.process.Stderr = h.log, h.log
	if err := h.process.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.exited = make(chan struct{})
	go func() { defer close(h.exited); _ = h.process.Wait() }()
}

// stop ends it as systemd does, and returns its exit code.
func (h *home) stop() int {
	h.t.Helper()
	if err := h.process.Process.Signal(syscall.SIGTERM); err != nil {
		h.t.Fatal(err)
	}
	select {
	case <-h.exited:
	case <-time.After(30 * time.Second):
		h.t.Fatal("still running 30 s after SIGTERM")
	}
	return h.process.ProcessState.ExitCode()
}

// hangUp is what `systemctl reload` sends.
func (h *home) hangUp() {
	h.t.Helper()
	if err := h.process.Process.Signal(syscall.SIGHUP); err != nil {
		h.t.Fatal(err)
	}
}

// kill is a power cut.
func (h *home) kill() {
	if h.process != nil {
		_ = h.process.Process.Kill()
		<-h.exited
	}
}

// signIn does what a person does in a browser.
func (h *home) signIn(account string) {
	h.t.Helper()
	h.returnFrom(account, "http://"+h.page+"/accounts/"+account+"/login")
	h.mqtt.Await(topics.Token(account), contains(`"state":"valid"`), patience)
	h.signed = time.Now()
}

// aged waits until the cloud's refusal of the token is believed: a token of less
// than five seconds is not renewed at the first 401.
func (h *home) aged() { <-time.After(time.Until(h.signed.Add(5 * time.Second))) }

// returnFrom opens url, allows the sign-in and follows the vendor's redirect.
func (h *home) returnFrom(account, url string) {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	who := h.person(account)
	who.Client = &http.Client{Jar: jar}
	back, err := who.Allow(context.Background(), url)
	if err != nil {
		h.t.Fatalf("sign in to %s: %v", account, err)
	}
	resp, err := who.Client.Get(back)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("the callback of %s answered %s", account, resp.Status)
	}
}

func (h *home) person(account string) simkit.Person {
	if account == "gate" {
		return simkit.Person{Name: doorbirdsim.DemoAdmin, Password: "admin"}
	}
	return simkit.Person{Name: cameramanagersim.DemoUser, Password: cameramanagersim.DemoPassword}
}

// run runs another command of the program to its end.
func (h *home) run(in string, args ...string) (code int, stdout, stderr string) {
	h.t.Helper()
	return runWith(h.t, h.env, in, append(args, "--config", h.config())...)
}

func run(t testing.TB, in string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return runWith(t, nil, in, args...)
}

func runWith(t testing.TB, env []string, in string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// noSecrets searches all that has left the program: its log and every topic.
func (h *home) noSecrets() {
	secrets := append(h.doorbird.Issuer.Secrets(), h.cameras.Issuer.Secrets()...)
	found := func(where, text string) {
		for _, s := range secrets {
			if len(s) >= 8 && strings.Contains(text, s) {
				h.t.Errorf("a secret stands in %s", where)
			}
		}
	}
	found("the log", h.log.String())
	for _, m := range h.mqtt.Messages() {
		found(m.Topic, m.Topic+m.Payload)
	}
}

func contains(part string) func(bridgetest.Message) bool {
	return func(m bridgetest.Message) bool { return strings.Contains(m.Payload, part) }
}
