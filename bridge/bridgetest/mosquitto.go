package bridgetest

import (
	"bufio"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// MosquittoOptions are what a test may want beyond a stock configuration:
// anonymous, no persistence, default sockets.
type MosquittoOptions struct {
	Users       map[string]string // passwords by name; nil lets everybody in
	ACL         string            // content of the acl_file; "" allows all
	Certs       *Certs            // also a TLS listener: TLSURL
	ClientCerts bool              // which demands a client certificate
	Unix        bool              // also a unix socket: UnixURL
	NoDelay     bool              // set_tcp_nodelay true
	Lines       string            // more lines of configuration
}

// Mosquitto is a broker process.
type Mosquitto struct {
	t         testing.TB
	binary    string
	folder    string
	options   MosquittoOptions
	port, tls int
	process   *exec.Cmd
	ended     chan struct{} // the process is gone and its log read
}

// readyWithin bounds the start and the stop of the process.
const readyWithin = 10 * time.Second

// StartMosquitto starts a Mosquitto on free ports and stops it at the test's end.
// Without a Mosquitto the test is skipped; with CI=true it fails.
func StartMosquitto(t testing.TB, o MosquittoOptions) *Mosquitto {
	t.Helper()
	binary, err := exec.LookPath("mosquitto")
	if err != nil {
		binary, err = exec.LookPath("/usr/sbin/mosquitto") // Debian keeps it off a user's PATH
	}
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("CI=true needs a mosquitto: apt-get install mosquitto")
	case err != nil:
		t.Skip("left out: needs a real Mosquitto, and none is installed")
	}
	// Not t.TempDir: its path may be too long for a unix socket.
	folder, err := os.MkdirTemp("", "mosquitto")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	m := &Mosquitto{t: t, binary: binary, folder: folder, options: o}
	t.Cleanup(m.Stop)
	for try := 1; ; try++ {
		m.port, m.tls = FreePort(t), FreePort(t)
		m.configure()
		problem := m.start()
		if problem == "" {
			return m
		}
		if try == 3 { // somebody else may take a port between choosing and listening
			t.Fatalf("mosquitto did not start:\n%s", problem)
		}
	}
}

// URL, TLSURL and UnixURL are as latchkey's configuration has them.
func (m *Mosquitto) URL() string     { return fmt.Sprintf("mqtt://127.0.0.1:%d", m.port) }
func (m *Mosquitto) TLSURL() string  { return fmt.Sprintf("mqtts://127.0.0.1:%d", m.tls) }
func (m *Mosquitto) UnixURL() string { return "unix://" + m.socket() }

// Start starts it again on the same ports.
func (m *Mosquitto) Start() {
	m.t.Helper()
	if problem := m.start(); problem != "" {
		m.t.Fatalf("mosquitto did not start again:\n%s", problem)
	}
}

// Stop ends it in good order, if it runs.
func (m *Mosquitto) Stop() { m.end(syscall.SIGTERM) }

// Kill ends it at once.
func (m *Mosquitto) Kill() { m.end(syscall.SIGKILL) }

// Freeze stops the process without ending it, as a machine that hangs: links stay,
// nothing moves. Thaw lets it go on.
func (m *Mosquitto) Freeze() { _ = m.process.Process.Signal(syscall.SIGSTOP) }
func (m *Mosquitto) Thaw()   { _ = m.process.Process.Signal(syscall.SIGCONT) }

func (m *Mosquitto) end(signal os.Signal) {
	if m.process == nil {
		return
	}
	_ = m.process.Process.Signal(signal) // it may be gone
	m.Thaw()                             // a frozen one would not end
	select {
	case <-m.ended:
	case <-time.After(readyWithin):
		_ = m.process.Process.Kill()
		<-m.ended
	}
	m.process = nil
}

// start returns the log if the broker does not say that it runs.
func (m *Mosquitto) start() string {
	m.t.Helper()
	m.process = exec.Command(m.binary, "-c", m.path("conf"))
	stderr, err := m.process.StderrPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.ended = make(chan struct{})
	running, log := make(chan struct{}), new(strings.Builder)
	go func(process *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		up := false
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if !up {
				log.WriteString(lines.Text() + "\n")
			}
			if !up && strings.HasSuffix(lines.Text(), " running") {
				up = true
				close(running)
			}
		}
		_, _ = io.Copy(io.Discard, stderr) // an over-long line ends the scanner
		_ = process.Wait()
	}(m.process, m.ended)
	select {
	case <-running:
		m.firstAnswer()
		return ""
	case <-m.ended:
		m.process = nil
		return log.String()
	case <-time.After(readyWithin):
		m.Kill()
		return log.String()
	}
}

// firstAnswer waits until the broker answers a client, whatever it says: a signal
// between "running" and its main loop would be lost.
func (m *Mosquitto) firstAnswer() {
	m.t.Helper()
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", m.port), readyWithin)
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(readyWithin))
	if _, err := conn.Write([]byte("\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05first")); err != nil {
		m.t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
		m.t.Fatalf("mosquitto runs but does not answer: %v", err)
	}
}

func (m *Mosquitto) configure() {
	m.t.Helper()
	var conf strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&conf, format+"\n", args...) }
	line("persistence false\nlog_dest stderr\nlog_type information\nlog_type notice\nlog_type error\nlog_type warning")
	if os.Geteuid() == 0 {
		line("user root") // else it could not read this folder
	}
	line("allow_anonymous %t", m.options.Users == nil)
	if m.options.Users != nil {
		line("password_file %s", m.write("passwords", passwords(m.options.Users)))
	}
	if m.options.ACL != "" {
		line("acl_file %s", m.write("acl", m.options.ACL))
	}
	if m.options.NoDelay {
		line("set_tcp_nodelay true")
	}
	line("%s", m.options.Lines)
	line("listener %d 127.0.0.1", m.port)
	if m.options.Unix {
		line("listener 0 %s", m.socket())
	}
	if c := m.options.Certs; c != nil {
		line("listener %d 127.0.0.1\ncafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate %t",
			m.tls, c.CA, c.Server, c.ServerKey, m.options.ClientCerts)
	}
	m.write("conf", conf.String())
}

// passwords is Mosquitto's password file: PBKDF2 with SHA-512, 101 rounds.
func passwords(users map[string]string) string {
	var file strings.Builder
	for name, password := range users {
		salt := make([]byte, 12)
		rand.Read(salt)
		hash, err := pbkdf2.Key(sha512.New, password, salt, 101, sha512.Size)
		if err != nil {
			panic(err) // fixed parameters
		}
		b64 := base64.StdEncoding.EncodeToString
		fmt.Fprintf(&file, "%s:$7$101$%s$%s\n", name, b64(salt), b64(hash))
	}
	return file.String()
}

func (m *Mosquitto) path(name string) string { return filepath.Join(m.folder, name) }
func (m *Mosquitto) socket() string          { return m.path("sock") }

func (m *Mosquitto) write(name, content string) string {
	m.t.Helper()
	if err := os.WriteFile(m.path(name), []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return m.path(name)
}
