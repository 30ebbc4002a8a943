package bridge

// Device is one thing at the vendor: a door station, a camera, a system. It is
// plain data: stored, compared and described to Home Assistant before anything
// runs. ID is made by [DeviceID] from the vendor's permanent id.
type Device struct {
	ID       string            `json:"id"`
	Original string            `json:"original,omitempty"` // the vendor's own id
	Name     string            `json:"name"`
	Maker    string            `json:"maker,omitempty"`
	Model    string            `json:"model,omitempty"`
	Serial   string            `json:"serial,omitempty"`
	Version  string            `json:"version,omitempty"` // firmware
	MAC      string            `json:"mac,omitempty"`     // 12 hex digits, lower case
	Via      string            `json:"via,omitempty"`     // id of the device it hangs on; "": the account
	Kind     string            `json:"kind,omitempty"`    // the vendor's word, for `for:` in the configuration
	Facts    map[string]string `json:"facts,omitempty"`   // for the vendor's calls and for jq; never published
	Entities []Entity          `json:"entities"`
}

// Entity is one value or one control of a device.
type Entity struct {
	ID         string   `json:"id"` // [a-z0-9_]+, permanent
	Name       string   `json:"name,omitempty"`
	Kind       Kind     `json:"kind"`
	Class      string   `json:"class,omitempty"` // Home Assistant's device_class
	Unit       string   `json:"unit,omitempty"`
	Icon       string   `json:"icon,omitempty"`
	StateClass string   `json:"state_class,omitempty"`
	Options    []string `json:"options,omitempty"` // event types, enum and select values
	Min        *float64 `json:"min,omitempty"`     // of a number
	Max        *float64 `json:"max,omitempty"`
	Step       *float64 `json:"step,omitempty"`
	OffDelay   int      `json:"off_delay,omitempty"`  // seconds after which Home Assistant clears ON
	Diagnostic bool     `json:"diagnostic,omitempty"` // not one of the main features
	Setting    bool     `json:"setting,omitempty"`    // Home Assistant's category config
	OffAtFirst bool     `json:"off_at_first,omitempty"`
	OfState    bool     `json:"of_state,omitempty"` // has no topic of its own: reads the device's state (connection)
	Verbs      []Verb   `json:"verbs,omitempty"`
}

// Kind is Home Assistant's platform of an entity.
type Kind string

// The kinds of entities.
const (
	Button       Kind = "button"
	Lock         Kind = "lock"
	Sensor       Kind = "sensor"
	BinarySensor Kind = "binary_sensor"
	Switch       Kind = "switch"
	Event        Kind = "event"
	ImageKind    Kind = "image"
	Number       Kind = "number"
	Select       Kind = "select"
)

// Shows tells whether Home Assistant takes a known value from an entity of this
// kind: ON and OFF, or a lock's words. What it would drop is refused as a fact.
func (k Kind) Shows(v Value) bool {
	switch k {
	case BinarySensor, Switch:
		return v == Bool(true) || v == Bool(false)
	case Lock:
		switch v.String() {
		case "LOCKED", "UNLOCKED", "LOCKING", "UNLOCKING", "JAMMED", "OPEN", "OPENING":
			return true
		}
		return false
	}
	return true
}

// Verb says what a command on an entity does: payload Says runs Call with Args.
// Says "" takes any payload and passes it as the argument Value.
type Verb struct {
	Says  string `json:"says"`
	Call  string `json:"call"`
	Args  Args   `json:"args,omitempty"`
	Value string `json:"value,omitempty"`
}

// Ref names an entity of a device.
type Ref struct{ Device, Entity string }

// Listing is an account with its devices, as the inventory knows them.
type Listing struct {
	Account string   `json:"account"`
	Vendor  string   `json:"vendor"`
	Name    string   `json:"name"`
	Area    string   `json:"area,omitempty"`
	Devices []Device `json:"devices"`
}
