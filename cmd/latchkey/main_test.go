package main_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// program is the real binary, built once for all tests here.
var program string

func TestMain(m *testing.M) {
	if text := os.Getenv(envPart); text != "" {
		if err := playPart(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if file := os.Getenv(envBareStart); file != "" {
		runBareStart(os.Getenv("LATCHKEY_BARE_BROKER"), file) // a child of BenchmarkStart
		os.Exit(0)
	}
	if broker := os.Getenv("LATCHKEY_BARE_BROKER"); broker != "" {
		runBare(broker, os.Getenv("LATCHKEY_BARE_CLOUD")) // a child of BenchmarkCommand
	}
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = p.Value.Set("16") // parallel tests here wait for other processes
	}
	dir, err := os.MkdirTemp("", "latchkey-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "latchkey")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}
