package testbroker

import (
	"maps"
	"net"
	"slices"
	"sync"
)

// links are the open connections, also those that have not said CONNECT yet: the
// library would wait for these for ever when it closes.
type links struct {
	mu   sync.Mutex
	open map[*tracked]struct{} // nil: shut, no new one lives
}

type tracked struct {
	net.Conn
	links *links
}

func (l *links) track(conn net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &tracked{conn, l}
	if l.open == nil {
		_ = conn.Close()
		return t
	}
	l.open[t] = struct{}{}
	return t
}

func (t *tracked) Close() error {
	t.links.mu.Lock()
	delete(t.links.open, t)
	t.links.mu.Unlock()
	return t.Conn.Close()
}

// cut closes every link; with shut it also closes those to come.
func (l *links) cut(shut bool) {
	l.mu.Lock()
	all := slices.Collect(maps.Keys(l.open))
	if shut {
		l.open = nil
	}
	l.mu.Unlock()
	for _, t := range all {
		_ = t.Close() // the other side may have been first
	}
}
