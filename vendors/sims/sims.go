// Package sims is the explicit list of the simulated clouds: one line a
// simulator, each as its zero options make it. The daemon never links it.
package sims

import (
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager/cameramanagersim"
	"latchkey/vendors/doorbird/doorbirdsim"
	"latchkey/vendors/dwspectrum/dwspectrumsim"
	"latchkey/vendors/generic/genericsim"
	"latchkey/vendors/netrex/netrexsim"
	"latchkey/vendors/sensorberg/sensorbergsim"
)

// All makes one of each.
func All() []simkit.Sim {
	return []simkit.Sim{
		doorbirdsim.New(doorbirdsim.Options{}),
		cameramanagersim.New(cameramanagersim.Options{}),
		dwspectrumsim.New(dwspectrumsim.Options{}),
		netrexsim.New(netrexsim.Options{}),
		sensorbergsim.New(sensorbergsim.Options{}),
		genericsim.New(genericsim.Options{}),
	}
}
