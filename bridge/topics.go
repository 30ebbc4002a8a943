package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Topics names every topic below one prefix. All of them are fixed by the
// Contract: other programs rely on them.
type Topics struct{ Prefix string }

// BridgeState is `online` or, as the will, `offline`.
func (t Topics) BridgeState() string { return t.Prefix + "/bridge/state" }

// BridgeInfo is JSON about the daemon.
func (t Topics) BridgeInfo() string { return t.Prefix + "/bridge/info" }

// BridgeResult is the result of a call to the bridge itself.
func (t Topics) BridgeResult(name string) string { return t.Prefix + "/bridge/result/" + name }

// AccountState is `online` or `offline`.
func (t Topics) AccountState(account string) string { return t.account(account) + "/state" }

// Token is the account's token health.
func (t Topics) Token(account string) string { return t.account(account) + "/token" }

// AccountCall is where a named call is asked for.
func (t Topics) AccountCall(account, name string) string { return t.account(account) + "/call/" + name }

// AccountResult is the result of a named call.
func (t Topics) AccountResult(account, name string) string {
	return t.account(account) + "/result/" + name
}

// DeviceState is `online` or `offline`.
func (t Topics) DeviceState(account, device string) string {
	return t.device(account, device) + "/state"
}

// Value is an entity's state, event or picture.
func (t Topics) Value(account string, r Ref) string {
	return t.device(account, r.Device) + "/" + r.Entity
}

// Attributes belong to an entity's value.
func (t Topics) Attributes(account string, r Ref) string { return t.Value(account, r) + "/attributes" }

// Set is where an entity is commanded.
func (t Topics) Set(account string, r Ref) string { return t.Value(account, r) + "/set" }

// Result is what became of a command on an entity.
func (t Topics) Result(account string, r Ref) string { return t.Value(account, r) + "/result" }

func (t Topics) account(account string) string { return t.Prefix + "/account/" + account }
func (t Topics) device(account, device string) string {
	return t.Prefix + "/device/" + account + "/" + device
}

// CommandFilters are the three filters that commands come by. They are disjoint
// (overlapping ones make paho hand a message over once per match), and match
// nothing that latchkey publishes but its own clearing of a command topic.
func (t Topics) CommandFilters() []string {
	return []string{t.Prefix + "/bridge/call/+", t.Prefix + "/account/+/call/+", t.Prefix + "/device/+/+/+/set"}
}

// Target is what a command topic names: a call of the bridge (Account ""), a
// call of an account (Call), or an entity (Ref).
type Target struct {
	Account string
	Call    string
	Ref     Ref
}

// ParseCommand reads a command topic. ok is false for anything else, also where
// a name is not of [a-z0-9_]+.
func (t Topics) ParseCommand(topic string) (target Target, ok bool) {
	rest, ok := strings.CutPrefix(topic, t.Prefix+"/")
	if !ok {
		return Target{}, false
	}
	p := strings.Split(rest, "/")
	switch {
	case len(p) == 3 && p[0] == "bridge" && p[1] == "call":
		target = Target{Call: p[2]}
		ok = IsID(p[2])
	case len(p) == 4 && p[0] == "account" && p[2] == "call":
		target = Target{Account: p[1], Call: p[3]}
		ok = IsID(p[1]) && IsID(p[3])
	case len(p) == 5 && p[0] == "device" && p[4] == "set":
		target = Target{Account: p[1], Ref: Ref{p[2], p[3]}}
		ok = IsID(p[1]) && IsID(p[2]) && IsID(p[3])
	default:
		ok = false
	}
	return target, ok
}

// CommandTopic and ResultTopic of a target.
func (t Topics) CommandTopic(g Target) string {
	switch {
	case g.Account == "":
		return t.Prefix + "/bridge/call/" + g.Call
	case g.Call != "":
		return t.AccountCall(g.Account, g.Call)
	}
	return t.Set(g.Account, g.Ref)
}

// ResultTopic is where the result of a command to this target goes.
func (t Topics) ResultTopic(g Target) string {
	switch {
	case g.Account == "":
		return t.BridgeResult(g.Call)
	case g.Call != "":
		return t.AccountResult(g.Account, g.Call)
	}
	return t.Result(g.Account, g.Ref)
}

// MaxID is the length of the longest id.
const MaxID = 64

// IsID tells whether s is an id: [a-z0-9_]{1,64}.
func IsID(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= MaxID
}

// IsReservedID tells whether no account, device or entity may be called s.
func IsReservedID(s string) bool {
	switch s {
	case "bridge", "account", "device", "state", "token", "call", "result":
		return true
	}
	return false
}

// DeviceID makes a device's id from the vendor's own. An original of
// [a-z0-9_]{1,57} stays as it is; a MAC becomes 12 hex digits, a UUID gets `_`
// for `-` (both in lower case); any other is made readable and gets `_` and 6
// hex digits of its SHA-256, so that distinct originals stay distinct.
func DeviceID(original string) string {
	if mac := MAC(original); mac != "" {
		return mac
	}
	if uuid := strings.ToLower(original); isUUID(uuid) {
		return strings.ReplaceAll(uuid, "-", "_")
	}
	if IsID(original) && len(original) <= 57 && !IsReservedID(original) {
		return original
	}
	slug := make([]byte, 0, 57)
	for _, c := range []byte(strings.ToLower(original)) {
		if len(slug) == 57 {
			break
		}
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			c = '_'
		}
		slug = append(slug, c)
	}
	sum := sha256.Sum256([]byte(original))
	return string(slug) + "_" + hex.EncodeToString(sum[:3])
}

// MAC returns a MAC address as 12 lower-case hex digits, or "" where s is none.
// Separators may be `:`, `-`, `.` or absent.
func MAC(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(":-.", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
	if len(s) != 12 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := 0; i < len(s); i++ {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if c := s[i]; dash != (c == '-') || !dash && (c < 'a' || c > 'f') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
