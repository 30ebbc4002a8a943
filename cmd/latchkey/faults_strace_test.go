package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// T1, T14, T15: the same inside a commit, where bbolt offers no hook: strace kills
// the process before the n-th call of the system on a file of the store, or makes
// that call fail, until there is no n-th call any more.
func TestFaultPointsInCommit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("strace is not installed: apt-get install strace")
		}
		t.Skip("strace is not installed: points inside a commit are not tried")
	}
	count := &faultCount{counts: map[string]int{}}
	t.Run("points", func(t *testing.T) {
		for _, scene := range []string{"refresh", "first"} {
			for _, call := range []string{"openat", "write", "pwrite64", "fdatasync", "fsync", "ftruncate", "renameat"} {
				for _, fault := range []string{"signal=KILL", "error=ENOSPC", "error=EIO"} {
					t.Run(scene+"/"+call+"/"+fault, func(t *testing.T) {
						t.Parallel()
						inCommit(t, count, scene, call, fault)
					})
				}
			}
		}
	})
	t.Logf("%v", count.counts)
	if n := count.counts["points"]; n < 100 && !t.Failed() {
		t.Errorf("%d points inside commits, want 100 or more", n)
	}
}

func inCommit(t *testing.T, count *faultCount, scene, call, fault string) {
	whole := begin(t, scene, "kills the family")
	whole.play("", 0)
	files := storeFiles(whole.dir)
	for n := 1; ; n++ {
		c := begin(t, scene, "kills the family")
		trace := filepath.Join(t.TempDir(), "trace")
		wrap := []string{"strace", "-f", "-qq", "-o", trace, "-e", "signal=none", "-e", "trace=" + call,
			"-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n)}
		if fault != "signal=KILL" {
			wrap = append(wrap, "--seccomp-bpf") // faster, but loses injected signals
		}
		for _, name := range files {
			wrap = append(wrap, "-P", filepath.Join(c.dir, name))
		}
		c.play("", 0, wrap...)
		seen, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		struck := c.killed || strings.Contains(string(seen), "(INJECTED)")
		if c.killed && c.handed != "" {
			t.Error("killed after all was done: the point is not inside a commit")
		}
		if c.heal() {
			count.add("lost in the window")
		}
		if t.Failed() {
			t.Fatalf("%s at %s %d; the child said:\n%s\n%s", fault, call, n, c.out, seen)
		}
		if !struck {
			return
		}
		count.add("points")
		count.add(fault)
	}
}

// storeFiles lists the files and folders that a store writes after it was opened.
func storeFiles(dir string) []string {
	all := []string{"latchkey.db", "copies"}
	names, _ := filepath.Glob(filepath.Join(dir, "copies", "*"))
	for _, name := range names {
		stem := filepath.Join("copies", strings.TrimRight(filepath.Base(name), "01"))
		all = append(all, stem+"0", stem+"1", stem+"0.tmp", stem+"1.tmp")
	}
	slices.Sort(all)
	return slices.Compact(all)
}
