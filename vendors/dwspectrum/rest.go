package dwspectrum

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"latchkey/bridge"
)

// restVersion finds out which REST API the system has: by the version that the
// cloud lists, then downward from there until one answers, then by the system's
// own word.
func (y *site) restVersion(ctx context.Context) (int, error) {
	y.mu.Lock()
	n, version := y.rest, y.version
	y.mu.Unlock()
	if y.of.options.Rest > 0 {
		return y.of.options.Rest, nil
	}
	if n > 0 {
		return n, nil
	}
	guess := guessRest(version)
	if guess == 0 {
		return 0, &bridge.Failure{Reason: bridge.ReasonRejected, Message: "the system is older than DW Spectrum 5 and takes no token of the cloud"}
	}
	for n := guess; n > 0; n-- {
		said, err := y.probe(ctx, n)
		if unknown(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		n = max(n, min(said.newest(), newestRest))
		y.mu.Lock()
		defer y.mu.Unlock()
		y.rest, y.name = n, string(said.Name)
		return n, nil
	}
	return 0, &bridge.Failure{Reason: bridge.ReasonRejected, Message: "the system has no REST API that latchkey knows"}
}

const newestRest = 4

// probe asks by one version. Only the newer two tell about the system itself.
func (y *site) probe(ctx context.Context, n int) (said info, err error) {
	switch n {
	case 4:
		_, err = y.read(ctx, "/rest/v4/site/info", nil, &said)
	case 3:
		_, err = y.read(ctx, "/rest/v3/system/info", nil, &said)
	default:
		_, err = y.readServers(ctx, n)
	}
	return said, err
}

func (i info) newest() int {
	n, _ := strconv.Atoi(strings.TrimPrefix(string(i.Rest.Max), "v"))
	return n
}

// guessRest is the REST API of a version of the product; 0: it has none.
func guessRest(version string) int {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n == 0 {
		return newestRest // not listed
	}
	switch {
	case major < 5:
		return 0
	case major == 5 && minor == 0:
		return 1
	case major == 5:
		return 2
	case major == 6 && minor == 0:
		return 3
	}
	return newestRest
}

func path(n int, rest string) string { return "/rest/v" + strconv.Itoa(n) + rest }
