package bridge

import "time"

// Operation is an HTTP or GraphQL call written in the configuration, for any
// vendor. Fields marked jq are jq programs, so values stay typed and nothing is
// spliced into text. bridge/operations turns them into calls and tasks.
type Operation struct {
	Write     bool               `yaml:"write"`
	HTTP      string             `yaml:"http"`      // "POST /v1/units/{.device.id}/openings"; {jq} is escaped as one path segment
	GraphQL   string             `yaml:"graphql"`   // document
	Variables string             `yaml:"variables"` // jq
	Body      string             `yaml:"body"`      // jq
	Media     string             `yaml:"media"`
	Args      map[string]ArgRule `yaml:"args"`
	Page      *Paging            `yaml:"page"`
	Each      string             `yaml:"each"` // jq over the reply
	Device    *DeviceRule        `yaml:"device"`
	Every     time.Duration      `yaml:"every"` // at least 30 s; 0: only on request
	For       string             `yaml:"for"`   // operation that yields devices, kind of device, or one original id
	Needs     string             `yaml:"needs"`
	OK        string             `yaml:"ok"`     // jq over the reply
	Result    string             `yaml:"result"` // jq over the reply
	Public    bool               `yaml:"public"`
}

// ArgRule declares one argument of an operation; required unless it has a default.
type ArgRule struct {
	Type    string   `yaml:"type"` // string, int, number, bool, enum
	Min     *float64 `yaml:"min"`
	Max     *float64 `yaml:"max"`
	Values  []string `yaml:"values"` // of an enum
	Default any      `yaml:"default"`
}

// Paging says how a list goes on; both are jq over the reply.
type Paging struct {
	Next string `yaml:"next"`
	More string `yaml:"more"`
}

// DeviceRule names a device from each item of a list; both are jq over it.
type DeviceRule struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
}

// EntityRule is an entity written in the configuration. Call with Args is short
// for one verb PRESS.
type EntityRule struct {
	ID         string         `yaml:"id"`
	Platform   Kind           `yaml:"platform"`
	Name       string         `yaml:"name"`
	For        string         `yaml:"for"`
	From       string         `yaml:"from"`
	Value      string         `yaml:"value"` // jq
	Call       string         `yaml:"call"`
	Args       map[string]any `yaml:"args"`
	Verbs      []VerbRule     `yaml:"verbs"`
	Options    []string       `yaml:"options"`
	Min        *float64       `yaml:"min"`
	Max        *float64       `yaml:"max"`
	Step       *float64       `yaml:"step"`
	Class      string         `yaml:"class"`
	Unit       string         `yaml:"unit"`
	Icon       string         `yaml:"icon"`
	StateClass string         `yaml:"state_class"`
	Category   string         `yaml:"category"` // config | diagnostic
	Enabled    *bool          `yaml:"enabled"`
}

// VerbRule is a verb written in the configuration.
type VerbRule struct {
	Says  string         `yaml:"says"`
	Call  string         `yaml:"call"`
	Args  map[string]any `yaml:"args"`
	Value string         `yaml:"value"`
}
