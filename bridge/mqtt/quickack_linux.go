package mqtt

import (
	"net"
	"syscall"
)

// quickAck returns a function that makes the kernel acknowledge what was read
// without waiting 40 ms for an answer to ride on. A stock Mosquitto
// (set_tcp_nodelay false) holds its next small packet back until then (M24).
// Sockets other than TCP need nothing.
func quickAck(conn net.Conn) func() {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return func() {}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return func() {}
	}
	set := func(fd uintptr) {
		// Only speed is at stake: an error changes nothing.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	}
	return func() { _ = raw.Control(set) }
}
