package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"latchkey/bridge/daemon"
	"latchkey/bridge/simkit"
	"latchkey/bridge/testbroker"
	"latchkey/vendors"
	"latchkey/vendors/cameramanager/cameramanagersim"
	"latchkey/vendors/doorbird/doorbirdsim"
)

//go:embed demo.yaml
var configuration []byte

// The second station, for the account that waits for a person.
const (
	garageMAC  = "1CCAE3A1B2C4"
	garageUser = "garage0000"
)

// stage is everything that the tour plays on, all of it on loopback.
type stage struct {
	dir      string
	broker   *testbroker.Broker
	doorbird *doorbirdsim.Sim
	cameras  *cameramanagersim.Sim
	others   []simkit.Sim
	log      *os.File // of the daemon
	verbose  bool

	page      string // where the daemon's page is
	stageDoor string // where faults are switched
	env       map[string]string
	servers   []*http.Server

	stop  context.CancelFunc // of the daemon that runs
	ended chan error
}

func setStage(verbose bool) (s *stage, err error) {
	s = &stage{verbose: verbose}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "latchkey-demo-"); err != nil {
		return s, err
	}
	if s.log, err = os.Create(filepath.Join(s.dir, "log")); err != nil {
		return s, err
	}
	if s.broker, err = testbroker.Start(testbroker.Options{}); err != nil {
		return s, err
	}
	s.doorbird = doorbirdsim.New(doorbirdsim.Options{Stations: []doorbirdsim.Station{
		{MAC: doorbirdsim.DemoMAC, Type: "DoorBird D2101V", IntercomID: "ghijkl", Users: []doorbirdsim.User{{Name: doorbirdsim.DemoAdmin, Password: "admin"}},
			Relays: []doorbirdsim.Relay{{ID: 1, Name: "Street door"}, {ID: 2, Name: "Gate"}}},
		{MAC: garageMAC, Type: "DoorBird D1101V", IntercomID: "garage", Users: []doorbirdsim.User{{Name: garageUser, Password: "admin"}},
			Relays: []doorbirdsim.Relay{{ID: 1, Name: "Garage"}}},
	}})
	s.cameras = cameramanagersim.New(cameramanagersim.Options{})
	s.env = map[string]string{"STATE": filepath.Join(s.dir, "state"), "BROKER": s.broker.URL()}
	s.others = otherClouds()
	clouds := map[string]http.Handler{"DOORBIRD": s.doorbird.Handler(), "CAMERAMANAGER": s.cameras.Handler(), "": s.switches()}
	for _, o := range s.others {
		clouds[strings.ToUpper(o.Name())] = o.Handler()
	}
	for name, handler := range clouds {
		at, err := s.serve(handler)
		if err != nil {
			return s, err
		}
		if name == "" {
			s.stageDoor = at
		} else {
			s.env[name] = at
		}
	}
	if s.env["PAGE"], err = pagePort(); err != nil {
		return s, err
	}
	s.page = "http://" + s.env["PAGE"]
	return s, os.WriteFile(s.config(), configuration, 0o600)
}

func (s *stage) config() string { return filepath.Join(s.dir, "config.yaml") }
func (s *stage) getenv(name string) (string, bool) {
	v, ok := s.env[name]
	return v, ok
}

func (s *stage) port() string { _, port, _ := net.SplitHostPort(s.broker.Addr()); return port }

// serve puts a cloud on a port of its own.
func (s *stage) serve(h http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	s.servers = append(s.servers, srv)
	go func() { _ = srv.Serve(l) }() // ends with close
	return "http://" + l.Addr().String(), nil
}

// pagePort is the usual one, or a free one where that is in use.
func pagePort() (string, error) {
	for _, at := range []string{"127.0.0.1:8087", "127.0.0.1:0"} {
		if l, err := net.Listen("tcp", at); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("no port is free for the page")
}

// start runs the daemon, the same as cmd/latchkey does.
func (s *stage) start(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(ctx)
	s.ended = make(chan error, 1)
	up := make(chan struct{}, 1)
	out := io.Writer(s.log)
	if s.verbose {
		out = io.MultiWriter(s.log, os.Stderr)
	}
	o := daemon.Options{Config: s.config(), Drivers: vendors.All(), Version: "demo", Out: out, Up: func(string) { up <- struct{}{} }, Getenv: s.getenv}
	go func() { s.ended <- daemon.Run(ctx, o) }()
	select {
	case <-up:
		return nil
	case err := <-s.ended:
		s.ended <- nil
		return fmt.Errorf("the daemon did not start: %w", err)
	}
}

// end stops the daemon in good order, as systemctl stop does.
func (s *stage) end() error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	s.stop = nil
	return <-s.ended
}

func (s *stage) close() error {
	err := s.end()
	for _, srv := range s.servers {
		err = errors.Join(err, srv.Close())
	}
	if s.broker != nil {
		s.broker.Close()
	}
	if s.log != nil {
		err = errors.Join(err, s.log.Close())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// leaked looks for secrets in all that the daemon wrote to its log.
func (s *stage) leaked() error {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return errors.New("the daemon has logged nothing: the search for secrets proves nothing")
	}
	kits := []*simkit.Kit{s.doorbird.Kit, s.cameras.Kit}
	for _, o := range s.others {
		kits = append(kits, o.Shared())
	}
	for _, kit := range kits {
		for _, secret := range kit.Issuer.Secrets() {
			if strings.Contains(string(text), secret) {
				return fmt.Errorf("a secret of %s stands in the log", kit.Name())
			}
		}
	}
	return nil
}
