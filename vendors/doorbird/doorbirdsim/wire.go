package doorbirdsim

// The shapes of the API's JSON, from the vendor sheet alone.

type metadata struct {
	MAC  string `json:"mac"`
	Type string `json:"intercomTypeName,omitempty"`
}

type user struct {
	Admin       bool `json:"admin"`
	Permissions struct {
		AllowedRelays []allowedRelay `json:"allowedRelays"`
	} `json:"permissions"`
}

type allowedRelay struct {
	ID         any    `json:"id"`
	Peripheral string `json:"peripheral,omitempty"`
}

type relaySetting struct {
	ID   any    `json:"id"`
	Name string `json:"name"`
}

type link struct {
	URL string `json:"url"`
}

type liveInfo struct {
	Image link   `json:"image"`
	Video *video `json:"video,omitempty"`
}

type video struct {
	Cloud struct {
		MJPG struct {
			Default rendezvous `json:"default"`
		} `json:"mjpg"`
	} `json:"cloud"`
}

type rendezvous struct {
	Host    string `json:"host"`
	Port    int    `json:"port"`
	Session string `json:"session"`
	Key     string `json:"key"`
}

type favourite struct {
	Identifier int    `json:"identifier"`
	Title      string `json:"title"`
	Value      string `json:"value"`
	Displayed  string `json:"displayedTitle"`
}

type rule struct {
	Input  string   `json:"input"`
	Param  string   `json:"param"`
	Output []output `json:"output"`
}

type output struct {
	Event    string   `json:"event"`
	Param    string   `json:"param"`
	Schedule schedule `json:"schedule"`
}

type schedule struct {
	Weekdays []span `json:"weekdays"`
}

// span is seconds from Sunday 00:00 UTC, the end inclusive.
type span struct {
	From string `json:"from"`
	To   string `json:"to"`
}
