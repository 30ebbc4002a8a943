package bridgetest

import (
	"net"
	"syscall"
)

// dialQuick dials a socket that acknowledges at once, so that a sender with
// Nagle's algorithm does not wait for the delayed acknowledgement (hazard M24).
func dialQuick(address string) (net.Conn, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	return quickConn{conn, raw}, err
}

type quickConn struct {
	net.Conn
	raw syscall.RawConn
}

func (c quickConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	_ = c.raw.Control(func(fd uintptr) { // the kernel forgets it
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
	return n, err
}
