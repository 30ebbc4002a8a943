//go:build !linux

package mqtt

import "net"

// quickAck has no counterpart here.
func quickAck(net.Conn) func() { return func() {} }
