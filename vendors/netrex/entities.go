package netrex

import (
	"cmp"
	"slices"

	"latchkey/bridge"
)

const kindCamera = "camera"

// The events of a recording.
const (
	prepared = "prepared"
	failed   = "failed"
)

// measure is one figure of the vendor's StatisticDataMetricType as a sensor.
type measure struct {
	kind             string
	id, name, icon   string
	stateClass, unit string
}

// measures are all that the vendor documents. They count from local midnight, so
// sums begin at zero each day, which total_increasing allows for.
func measures() []measure {
	return []measure{
		{"peopleCountAverage", "people_average", "People average today", "mdi:account-group", "measurement", ""},
		{"peopleCountPassBy", "people_passed_by", "People passed by today", "mdi:walk", "total_increasing", ""},
		{"transactionCountPositive", "transactions_positive", "Positive transactions today", "mdi:receipt-text-plus", "total_increasing", ""},
		{"transactionCountNegative", "transactions_negative", "Negative transactions today", "mdi:receipt-text-minus", "total_increasing", ""},
		{"conversionCount", "conversion", "Conversion today", "mdi:percent", "measurement", "%"},
	}
}

func figureTypes() (all []string) {
	for _, m := range measures() {
		all = append(all, m.kind)
	}
	return all
}

// overview is the device of what is true of the whole account.
const overview = "overview"

func (a *account) overview() bridge.Device {
	return bridge.Device{ID: overview, Original: overview, Name: a.name, Maker: maker, Kind: overview, Entities: []bridge.Entity{
		{ID: "cameras", Name: "Camera count", Kind: bridge.Sensor, Icon: "mdi:cctv", StateClass: "measurement", Diagnostic: true},
	}}
}

const maker = "NetRex"

// describe makes a node's device. Its id stays when it is moved or renamed.
func (a *account) describe(n node, folder string) bridge.Device {
	id := string(n.ID)
	kind := string(n.Type)
	if n.is(kindCamera) {
		kind = kindCamera
	}
	d := bridge.Device{
		ID: bridge.DeviceID(id), Original: id, Name: cmp.Or(string(n.Name), string(n.External), cmp.Or(string(n.Type), "node")+" "+id), Maker: maker, Kind: kind,
		Facts: map[string]string{"node_id": id},
		Entities: []bridge.Entity{
			{ID: "listed", Name: "Listed", Kind: bridge.BinarySensor, Icon: "mdi:format-list-checks", Diagnostic: true, OffAtFirst: true},
		},
	}
	for name, text := range map[string]string{"parent_node_id": string(n.Parent), "type": string(n.Type), "name": string(n.Name), "external_id": string(n.External), "folder": folder} {
		if text != "" {
			d.Facts[name] = text
		}
	}
	if n.is(kindCamera) && a.records {
		d.Entities = append(d.Entities, bridge.Entity{ID: "recording_ready", Name: "Recording ready", Kind: bridge.Event, Icon: "mdi:filmstrip", Options: []string{prepared, failed}})
	}
	for _, m := range measures() {
		if slices.Contains(a.figures[ID(id)], m.kind) {
			d.Entities = append(d.Entities, bridge.Entity{ID: m.id, Name: m.name, Kind: bridge.Sensor, Icon: m.icon, StateClass: m.stateClass, Unit: m.unit})
		}
	}
	return d
}
