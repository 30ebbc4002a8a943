package main

import (
	"errors"

	"latchkey/bridge/config"
	"latchkey/bridge/daemon"
	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

// storeOptions say where the store is. Nothing but that is resolved.
func (p *program) storeOptions() (store.Options, error) {
	c, err := config.Base(config.Options{Path: p.config, Getenv: p.lookup})
	if err != nil {
		return store.Options{}, err
	}
	return daemon.StoreOptions(c, nil), nil
}

// openStore opens the store for a command, with nothing but its own settings.
func (p *program) openStore() (*store.Store, error) {
	c, err := config.Base(config.Options{Path: p.config, Getenv: p.lookup})
	if err != nil {
		return nil, err
	}
	return daemon.OpenStore(c, nil)
}

// either asks the daemon, or works on the store itself where none runs.
func either[T any](p *program, ask func(*web.Client) (T, error), alone func(*store.Store) (T, error)) (done T, err error) {
	client, err := p.daemon()
	if err != nil {
		return done, err
	}
	if done, err = ask(client); !errors.Is(err, web.ErrNoDaemon) {
		return done, err
	}
	s, err := p.openStore()
	if err != nil {
		return done, err
	}
	done, err = alone(s)
	return done, errors.Join(err, s.Close())
}
