package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/bridge/store"
)

// faultCount counts what TestFaultPoints tried.
type faultCount struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *faultCount) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[what]++
}

// T1, T2, T3, T5, T15: every step of a refresh and of a sign-in, on four kinds of
// server. At each step the process is killed, the step fails (the disk, the
// network), or the same is asked for by more callers. Then another process starts
// on what was left. The window in which a pair can be lost is the vendor's reply
// on its way to the disk, and nothing else.
func TestFaultPoints(t *testing.T) {
	t.Parallel()
	count := &faultCount{counts: map[string]int{}}
	t.Run("points", func(t *testing.T) {
		for _, scene := range scenes {
			for kind := range servers() {
				t.Run(scene+"/"+kind, func(t *testing.T) {
					t.Parallel()
					sweep(t, count, scene, kind)
				})
			}
		}
	})
	t.Logf("%v", count.counts)
	if n := count.counts["points"]; n < 700 && !t.Failed() {
		t.Errorf("%d points, want 700 or more", n)
	}
}

// sweep tries every step of a scene with every fault.
func sweep(t *testing.T, count *faultCount, scene, kind string) {
	whole := begin(t, scene, kind)
	whole.play("", 0)
	whole.heal()
	for _, fault := range []string{"kill", "fail", "twice"} {
		for step := range whole.steps {
			if fault == "twice" && kind != "kills the family" {
				break // more callers are the same to every server; this one punishes them
			}
			c := begin(t, scene, kind)
			c.play(fault, step+1)
			c.reached = fault == "fail" && lastGot(whole.steps, step)
			if lost := c.heal(); lost {
				count.add("lost in the window")
			}
			count.add("points")
			count.add(fault)
			if t.Failed() {
				t.Fatalf("%s at step %d of %d; the child said:\n%s", fault, step+1, len(whole.steps), c.out)
			}
		}
	}
}

// lastGot tells whether this step is the last of the token reply's arrival.
func lastGot(steps []string, i int) bool {
	return steps[i] == "token got" && !slices.Contains(steps[i+1:], "token got")
}

// faultCase is one fault point.
type faultCase struct {
	t       *testing.T
	scene   string
	dir     string
	cloud   *faultCloud
	before  faultRecord // what was stored; the zero value: nothing
	out     string      // of the child
	steps   []string    // that it began
	handed  string      // the access token that a caller got; "": none
	killed  bool
	reached bool // the whole reply came, although the last read failed
	dropped bool // the server dropped it
}

func begin(t *testing.T, scene, kind string) *faultCase {
	t.Helper()
	c := &faultCase{t: t, scene: scene, dir: scratch(t), cloud: newFaultCloud(t, kind)}
	s, err := store.Open(store.Options{Dir: c.dir, Key: faultKey})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if scene == "first" {
		return c
	}
	age := map[string]time.Duration{"refresh": 2 * time.Hour, "early": 50 * time.Minute, "again": 10 * time.Minute}
	c.before = c.cloud.grant(age[scene])
	if _, ok, err := s.Save(t.Context(), faultAccount, 0, c.before.encode(t)); err != nil || !ok {
		t.Fatalf("plant: %v %v", ok, err)
	}
	return c
}

// scratch is a folder in memory where the system has one: thousands of points are
// synced, and a power cut is bridge/store's to prove.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "latchkey-faults-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// play runs the child; wrap is a program to run it under.
func (c *faultCase) play(fault string, step int, wrap ...string) {
	c.t.Helper()
	text, err := json.Marshal(part{Scene: c.scene, Dir: c.dir, URL: c.cloud.url, Fault: fault, Step: step})
	if err != nil {
		c.t.Fatal(err)
	}
	args := append(wrap, os.Args[0])
	cmd := exec.CommandContext(c.t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), envPart+"="+string(text), "GORACE=atexit_sleep_ms=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	c.out = stdout.String() + stderr.String()
	if err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			c.t.Fatal(err)
		}
		status, _ := exit.Sys().(syscall.WaitStatus)
		c.killed = status.Signal() == syscall.SIGKILL
		if refused := strings.HasPrefix(c.out, "open store "); !c.killed && !refused {
			c.t.Fatalf("%s at %d: %v\n%s", fault, step, err, c.out)
		}
	}
	for line := range strings.Lines(c.out) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "step "); ok {
			c.steps = append(c.steps, name)
		}
		if token, ok := strings.CutPrefix(line, "handed "); ok {
			c.handed = token
		}
		if why, ok := strings.CutPrefix(line, "stopped "); ok && why != "<nil>" {
			c.t.Errorf("the stop said %s", why)
		}
	}
	sent := 0
	for _, name := range c.steps {
		if name == "token sent" {
			sent++
		}
	}
	c.dropped = c.cloud.rest(c.t, sent)
	if fault == "kill" && !c.killed {
		c.t.Errorf("the child outlived its death at step %d", step)
	}
}

func (c *faultCase) last() string {
	if len(c.steps) == 0 {
		return ""
	}
	return c.steps[len(c.steps)-1]
}

// mayLose tells whether the pair that the vendor gave may be gone: it never came,
// or the process was killed before a disk had it.
func (c *faultCase) mayLose() bool {
	last := c.last()
	switch {
	case c.dropped:
		return true
	case c.killed:
		return slices.Contains([]string{"token sent", "token read", "token got", "save pair", "save sign-in"}, last)
	case c.reached:
		return false
	}
	return !strings.Contains(c.out, "step save pair") && !strings.Contains(c.out, "step save sign-in")
}
