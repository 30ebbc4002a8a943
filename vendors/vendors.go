// Package vendors is the explicit list of the clouds that latchkey speaks to:
// one line a vendor. Both programs hand it to bridge/daemon.
package vendors

import (
	"latchkey/bridge"
	"latchkey/vendors/cameramanager"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/dwspectrum"
	"latchkey/vendors/generic"
	"latchkey/vendors/netrex"
	"latchkey/vendors/sensorberg"
)

// All lists the vendors in the order in which people read them.
func All() []bridge.Driver {
	return []bridge.Driver{
		doorbird.Driver(),
		cameramanager.Driver(),
		dwspectrum.Driver(),
		netrex.Driver(),
		sensorberg.Driver(),
		generic.Driver(),
	}
}
