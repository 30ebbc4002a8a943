//go:build !linux

package bridgetest

import "net"

func dialQuick(address string) (net.Conn, error) { return net.Dial("tcp", address) }
