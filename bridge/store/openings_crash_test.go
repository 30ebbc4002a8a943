package store_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"latchkey/bridge/store"
)

// openingsPlanted is a planted store with four openings.
func openingsPlanted(t testing.TB) map[string]string {
	t.Helper()
	dir := folder(t, planted(t))
	s := opened(t, store.Options{Dir: dir})
	appendOpenings(t, s, 1, 4)
	shut(t, s)
	return files(t, dir)
}

// The program is killed while it writes the log, again and again: after each the
// log is proven, and holds what its writer was told to be written.
func TestOpeningsKilledInMidWrite(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	appendOpenings(t, s, 1, 4)
	shut(t, s)
	written := 4
	for round := range 12 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), envScene+"=openings without end", envDir+"="+dir, envPoint+"=0", "GORACE=atexit_sleep_ms=0")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told := 0
		lines := bufio.NewScanner(out)
		for told <= round && lines.Scan() {
			told++
		}
		if err := cmd.Process.Kill(); err != nil { // it is writing the next ones
			t.Fatal(err)
		}
		for lines.Scan() {
			told++
		}
		_ = cmd.Wait() // killed
		if told <= round {
			t.Fatalf("round %d: the child wrote %d records only", round, told)
		}
		s := opened(t, store.Options{Dir: dir})
		p := proven(t, s)
		if last := int(p.Last); last != written+told && last != written+told+1 {
			t.Errorf("round %d: the log ends with %d, want %d or one more", round, last, written+told)
		}
		if s.Recovered() != nil || len(p.Marks) > 0 {
			t.Errorf("round %d: a kill was taken for a damage: %+v, %q", round, s.Recovered(), p.Marks)
		}
		written = int(p.Last)
		shut(t, s)
	}
	t.Logf("%d records over 12 kills", written)
}

// The same, exactly: the program is killed at its n-th write and at its n-th sync
// inside bbolt's commits, for every n.
func TestOpeningsKilledInsideCommit(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "strace", "-f", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("left out, no strace may trace here: %v %s", err, out)
	}
	content := openingsPlanted(t)
	points := 0
	for _, call := range []string{"pwrite64", "fdatasync"} {
		for n := 1; ; n++ {
			dir := folder(t, content)
			cmd := exec.CommandContext(t.Context(), "strace", "-f", "-o", os.DevNull, "-e", "trace="+call,
				"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), os.Args[0])
			cmd.Env = append(os.Environ(), envScene+"=openings", envDir+"="+dir, envPoint+"=0", "GORACE=atexit_sleep_ms=0", "GOMAXPROCS=1")
			out, err := cmd.Output()
			alive := err == nil
			told := bytes.Count(out, []byte("\n"))
			s := opened(t, store.Options{Dir: dir})
			if p := proven(t, s); int(p.Last) != 4+told && int(p.Last) != 5+told || len(p.Marks) > 0 {
				t.Errorf("killed at %s %d: the log ends with %d after %d were told; %q", call, n, p.Last, told, p.Marks)
			}
			shut(t, s)
			if alive {
				if told != 3 {
					t.Errorf("%s %d: %d records told, want all", call, n, told)
				}
				break
			}
			points++
		}
	}
	if points < 6 {
		t.Errorf("only %d points", points)
	}
	t.Logf("%d points", points)
}

// A damaged database keeps of the log what can be read, says that something was
// brought back, and is honest about what is gone.
func TestOpeningsOfDamagedDatabase(t *testing.T) {
	content := openingsPlanted(t)
	number := func(n int) string { return "\x00\x00\x00\x00\x00\x00\x00" + string(rune(n)) }
	rows := []struct {
		name, near string // damaged behind the last place of near
		faults     int
		missing    string
	}{
		{"elsewhere", "Other name", 0, ""},
		{"a record", number(2), 1, "record 2 is missing"},
		{"the newest record", number(4), 1, "record 4 is missing"},
		{"the ends", "ends of the log", 1, "signed ends"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			data := []byte(content["latchkey.db"])
			hits := 0
			for at := 0; ; hits++ { // in every version that lies there
				next := bytes.Index(data[at:], []byte(row.near+"\x01"))
				if next < 0 {
					break
				}
				at += next + len(row.near) + 8
				data[at] ^= 0xFF
			}
			if hits == 0 {
				t.Fatalf("%q is not in the database", row.near)
			}
			dir := folder(t, content)
			write(t, database(dir), string(data))
			s := opened(t, store.Options{Dir: dir})
			if s.Recovered() == nil {
				t.Fatal("not taken for damaged")
			}
			p, err := s.Verify()
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Faults) != row.faults || row.faults > 0 && !strings.Contains(p.Faults[0], row.missing) {
				t.Errorf("faults %q, want %d with %q", p.Faults, row.faults, row.missing)
			}
			if all, err := s.Openings(1); err != nil || len(all) != 1 || all[0].Note == "" {
				t.Errorf("the newest record is no mark: %+v, %v", all, err)
			}
		})
	}
}

// H20: a flood that its writer has merged costs commits, not records, and a log
// that is full does not grow.
func TestOpeningsTakeNoMoreRoom(t *testing.T) {
	dir := scratch(t)
	s := opened(t, store.Options{Dir: dir}.Ring(1000))
	size := func() int64 {
		info, err := os.Stat(database(dir))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for n := 1; n <= 3000; n += 50 {
		appendOpenings(t, s, n, n+49)
	}
	full, before := size(), s.BytesWritten()
	for n := 3001; n <= 9000; n += 50 {
		appendOpenings(t, s, n, n+49)
	}
	if size() > full {
		t.Errorf("the file grew from %d to %d bytes", full, size())
	}
	t.Logf("%d bytes a commit of 50", (s.BytesWritten()-before)/120)
	proven(t, s)
}

// H19: what stands in the log is sealed.
func TestOpeningsCanary(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	appendOpenings(t, s, 1, 50)
	var backup bytes.Buffer
	if err := s.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	places := files(t, dir)
	places["backup"] = backup.String()
	for name, data := range places {
		for _, text := range []string{"1ccae3a1b2c3", "press " + strconv.Itoa(7), "relay_1"} {
			for _, form := range []string{text, hex.EncodeToString([]byte(text)), base64.RawStdEncoding.EncodeToString([]byte(text))} {
				if strings.Contains(data, form) {
					t.Errorf("%s holds %q", name, form)
				}
			}
		}
	}
	if len(places) < 3 {
		t.Fatal(fmt.Sprint("looked at few places: ", len(places)))
	}
}
