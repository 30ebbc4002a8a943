package netrex_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/netrex"
	sim "latchkey/vendors/netrex/netrexsim"
)

// fetching is the simulator, whose files may be answered otherwise.
type fetching struct {
	bridge.Cloud
	instead func(io.Writer) (bridge.Reply, error) // nil: the simulator's answer
}

func (f *fetching) Read(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	if r.Into != nil && f.instead != nil {
		return f.instead(r.Into)
	}
	return f.Cloud.Read(ctx, r)
}

// A prepared recording is saved whole before it is told of, whether or not its
// address wants the token. What cannot be saved leaves nothing behind, and is told.
func TestSave(t *testing.T) {
	half := func(reply bridge.Reply, reason bridge.Reason) func(io.Writer) (bridge.Reply, error) {
		return func(w io.Writer) (bridge.Reply, error) {
			_, _ = io.WriteString(w, "<html>")
			if reason != "" {
				return reply, &bridge.Failure{Reason: reason, Message: "refused"}
			}
			return reply, nil
		}
	}
	for name, c := range map[string]struct {
		sim     sim.Settings
		instead func(io.Writer) (bridge.Reply, error)
		gone    bool   // the folder
		said    string // "": it is saved
	}{
		"with or without the token": {},
		"with the token alone":      {sim: sim.Settings{DownloadBearer: true}},
		"no folder":                 {gone: true, said: "the recording cannot be saved"},
		"elsewhere":                 {instead: half(bridge.Reply{}, bridge.ReasonDenied), said: "not on the cloud's own host"},
		"ended":                     {sim: sim.Settings{DownloadLife: time.Nanosecond}, said: "refused"},
		"cut off":                   {instead: half(bridge.Reply{}, bridge.ReasonNoAnswer), said: "refused"},
		"a sign-in page":            {instead: half(bridge.Reply{Type: "text/html"}, ""), said: "text/html instead of a recording"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "recordings")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				s := sim.New(sim.Options{Settings: c.sim})
				h := open(t, &fetching{bridgetest.Simulated(s.Handler(), "http://127.0.0.1:8080", s.PortalToken(sim.DemoUser, "read,recordings")), c.instead}, func(o *netrex.Options) { o.Save = folder })
				h.MustRun("nodes")
				id := list(t, h, bridge.Args{"node": 1001})[0].ID
				h.MustCall("prepare_recording", bridge.Args{"recording": id, "height": int64(720)})
				since := time.Now().UTC()
				_ = os.WriteFile(filepath.Join(folder, ".latchkey-cams-1"), []byte("of a crash"), 0o600)
				if c.gone {
					_ = os.RemoveAll(folder)
				}
				h.Take()
				var events []string
				for range 60 { // as the engine does
					time.Sleep(30 * time.Second)
					_ = h.Run("recordings")
					if events = told(h.Take()); len(events) > 0 {
						break
					}
				}
				var files []string
				entries, _ := os.ReadDir(folder)
				for _, e := range entries {
					files = append(files, e.Name())
				}
				if c.said != "" {
					if len(events) != 1 || !strings.HasPrefix(events[0], "1001/recording_ready failed ") || !strings.Contains(h.Log.String(), c.said) || len(files) > 0 {
						t.Errorf("told %v, left %v, log:\n%s", events, files, h.Log.String())
					}
					return
				}
				want := since.Format("20060102T150405Z") + "_1001_720_" + bridge.DeviceID(id) + ".mp4"
				if len(files) != 1 || files[0] != want || len(events) != 1 || !strings.Contains(events[0], "file:"+filepath.Join(folder, want)) || strings.Contains(events[0], "download_url") {
					t.Fatalf("saved %v, want %s; told %v", files, want, events)
				}
				if body, err := os.ReadFile(filepath.Join(folder, want)); err != nil || !strings.HasPrefix(string(body), "\x00\x00\x00\x18ftyp") {
					t.Errorf("saved %q, %v", body, err)
				}
			})
		})
	}
}
