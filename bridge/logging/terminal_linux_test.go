package logging_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"latchkey/bridge/logging"
)

// Auto looks at where the log goes.
func TestAuto(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	journal := fmt.Sprintf("JOURNAL_STREAM=%d:%d", s.Dev, s.Ino)
	write := func(t *testing.T, getenv func(string) (string, bool)) string {
		t.Helper()
		if err := file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		log, _ := logging.New(logging.Options{Out: file, Getenv: getenv})
		log.Info("x", slog.Group("g", "time", "kept"))
		got, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	t.Run("journal", func(t *testing.T) {
		if got, want := write(t, env(journal)), "level=INFO msg=x g.time=kept\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("inherited from another service", func(t *testing.T) {
		if got := write(t, env("JOURNAL_STREAM=1:2")); !strings.HasPrefix(got, "time=") {
			t.Errorf("got %q, want a time", got)
		}
	})
}

func TestTerminal(t *testing.T) {
	master, tty := pty(t)
	for _, c := range []struct {
		name  string
		env   []string
		color bool
	}{
		{"color", []string{"TERM=xterm"}, true},
		{"NO_COLOR", []string{"TERM=xterm", "NO_COLOR=1"}, false},
		{"NO_COLOR empty", []string{"TERM=xterm", "NO_COLOR="}, true},
		{"dumb", []string{"TERM=dumb"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, _ := logging.New(logging.Options{Out: tty, Getenv: env(c.env...)})
			log.Info("x")
			buf := make([]byte, 1024)
			n, err := master.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(buf[:n]), "\x1b["); got != c.color {
				t.Errorf("got %q, want color %v", buf[:n], c.color)
			}
		})
	}
}

// pty opens a pseudo terminal: its two ends.
func pty(t *testing.T) (master, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	var number, unlock int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &unlock} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Skipf("no pseudo terminals here: %v", errno)
		}
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { tty.Close() })
	return master, tty
}
