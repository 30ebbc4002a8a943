package systemd_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge/systemd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen opens a socket like systemd's and returns its messages one by one.
func listen(t *testing.T, name string) func() string {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return func() string {
		t.Helper()
		buf := make([]byte, 4096)
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func notifier(env ...string) *systemd.Notifier {
	return systemd.New(systemd.Options{Getenv: func(name string) (string, bool) {
		for _, e := range env {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}})
}

func TestMessages(t *testing.T) {
	sockets := map[string]string{"path": filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		sockets["abstract"] = "@latchkey-test-" + strconv.Itoa(os.Getpid())
	}
	for name, socket := range sockets {
		t.Run(name, func(t *testing.T) {
			next := listen(t, socket)
			n := notifier("NOTIFY_SOCKET=" + socket)
			for _, c := range []struct {
				send func() error
				want string
			}{
				{n.Ready, "READY=1"},
				{n.Stopping, "STOPPING=1"},
				{n.Alive, "WATCHDOG=1"},
				{func() error { return n.Status("2 accounts\nREADY=1") }, "STATUS=2 accounts READY=1"},
			} {
				if err := c.send(); err != nil {
					t.Fatal(err)
				}
				if got := next(); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}
		})
	}
}

// systemd takes a reload for done only if the time lies after the one it asked at.
func TestReloadingCarriesTheMonotonicTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the clock is read on Linux only")
	}
	socket := filepath.Join(t.TempDir(), "notify")
	next := listen(t, socket)
	n := notifier("NOTIFY_SOCKET=" + socket)
	read := func() int64 {
		t.Helper()
		if err := n.Reloading(); err != nil {
			t.Fatal(err)
		}
		message := next()
		m := regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=(\d+)$`).FindStringSubmatch(message)
		if m == nil {
			t.Fatalf("got %q", message)
		}
		us, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return us
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	up, err := strconv.ParseFloat(strings.Fields(string(uptime))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	first := read()
	if second := read(); second < first {
		t.Errorf("went back from %d to %d", first, second)
	}
	// Uptime also counts sleep, so it is the upper bound; a container may see
	// another boot time by its own clock, but never an earlier one by a day.
	if got := float64(first) / 1e6; got <= 0 || got > up+24*3600 {
		t.Errorf("got %.0f s, the machine is up for %.0f s", got, up)
	}
}

func TestWithoutSystemd(t *testing.T) {
	n := notifier()
	if err := errors.Join(n.Ready(), n.Reloading(), n.Stopping(), n.Status("x"), n.Alive()); err != nil {
		t.Errorf("got %v, want nothing to happen", err)
	}
	if n.WatchdogEvery() != 0 {
		t.Errorf("got watchdog %v", n.WatchdogEvery())
	}
}

func TestNobodyListens(t *testing.T) {
	n := notifier("NOTIFY_SOCKET=" + filepath.Join(t.TempDir(), "gone"))
	if err := n.Ready(); err == nil {
		t.Error("got no error for a socket that is not there")
	}
}

func TestEnvironment(t *testing.T) {
	mine, other := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getpid()+1)
	for _, c := range []struct {
		name string
		env  []string
		want time.Duration
	}{
		{"for this process", []string{"WATCHDOG_USEC=60000000", "WATCHDOG_PID=" + mine}, 30 * time.Second},
		{"without a process", []string{"WATCHDOG_USEC=60000000"}, 30 * time.Second},
		{"for the parent", []string{"WATCHDOG_USEC=60000000", "WATCHDOG_PID=" + other}, 0},
		{"no number", []string{"WATCHDOG_USEC=soon"}, 0},
		{"below zero", []string{"WATCHDOG_USEC=-1"}, 0},
		{"without end", []string{"WATCHDOG_USEC=18446744073709551615"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := notifier(c.env...).WatchdogEvery(); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
