package cloud

import (
	"net/url"
	"sync"
)

// nodes remembers where an origin's host redirects to, because some answer every
// single call with a 307 to the same node (DW Spectrum's relay), and forgets it
// with the first answer that is no 2xx. The zero value knows none.
type nodes struct {
	mu sync.Mutex
	of map[string]string // host: node; as many as the account has hosts
}

// shortcut returns u at its host's node, or u itself.
func (n *nodes) shortcut(u *url.URL) *url.URL {
	n.mu.Lock()
	defer n.mu.Unlock()
	node, ok := n.of[u.Host]
	if !ok {
		return u
	}
	short := *u
	short.Host = node
	return &short
}

// learn notes how a request to u ended that was answered at final: a node is a
// mere change of host.
func (n *nodes) learn(u, final *url.URL, fine bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case !fine:
		delete(n.of, u.Host)
	case final.Host != u.Host && final.Scheme == u.Scheme && final.RequestURI() == u.RequestURI():
		if n.of == nil {
			n.of = map[string]string{}
		}
		n.of[u.Host] = final.Host
	}
}
