// Package systemd tells systemd how the daemon is doing: ready, reloading,
// stopping, alive, and one line of status for `systemctl status`. Without
// systemd every call does nothing. bridge/daemon uses it; it owns no goroutine.
//
// It is written out here because `Type=notify-reload` needs RELOADING=1 together
// with MONOTONIC_USEC, which go-systemd does not send.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// patience bounds one message: systemd takes them at once, or is in trouble.
const patience = time.Second

// Options of a notifier.
type Options struct {
	Getenv func(string) (string, bool) // nil: os.LookupEnv
}

// Notifier speaks to systemd. Its methods may be called from any goroutine; their
// errors are worth a line in the log and nothing else.
type Notifier struct {
	socket   string // "": nobody asked to be told
	watchdog time.Duration
}

// New reads what systemd left in the environment.
func New(o Options) *Notifier {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	get := func(name string) string { value, _ := o.Getenv(name); return value }
	n := &Notifier{socket: get("NOTIFY_SOCKET")}
	// The variables are inherited: WATCHDOG_PID says whom they are meant for.
	if pid := get("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
		if us, err := strconv.ParseInt(get("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 && us < int64(24*time.Hour/time.Microsecond) {
			n.watchdog = time.Duration(us) * time.Microsecond
		}
	}
	return n
}

// WatchdogEvery is how often [Notifier.Alive] is due, half of what systemd allows;
// 0: never.
func (n *Notifier) WatchdogEvery() time.Duration { return n.watchdog / 2 }

// Ready says that the start, or a reload, is done.
func (n *Notifier) Ready() error { return n.send("READY=1") }

// Reloading says that the configuration is being read again; Ready must follow.
func (n *Notifier) Reloading() error {
	return n.send("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic(), 10))
}

// Stopping says that the daemon is on its way out.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Status shows a line in `systemctl status`.
func (n *Notifier) Status(line string) error {
	return n.send("STATUS=" + strings.NewReplacer("\n", " ", "\r", " ").Replace(line))
}

// Alive feeds the watchdog. Call it only from what proves that the daemon works.
func (n *Notifier) Alive() error { return n.send("WATCHDOG=1") }

func (n *Notifier) send(message string) error {
	if n.socket == "" {
		return nil
	}
	// A leading @ is an abstract socket, which package net knows as well.
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd: %v", err)
	}
	defer c.Close()
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte(message)); err != nil {
		return fmt.Errorf("tell systemd: %v", err)
	}
	return nil
}
