package mqtt

import (
	"net"
	"syscall"
	"testing"
)

// TestQuickAck: each read arms the option again, which the kernel forgets (M24).
func TestQuickAck(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	raw, err := near.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	option := func(change func(fd int) (int, error)) (value int) {
		t.Helper()
		var failed error
		if err := raw.Control(func(fd uintptr) { value, failed = change(int(fd)) }); err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		return value
	}
	w := newWire(near)
	for range 2 {
		option(func(fd int) (int, error) {
			return 0, syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 0)
		})
		if _, err := far.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		got := option(func(fd int) (int, error) {
			return syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_QUICKACK)
		})
		if got != 1 {
			t.Errorf("TCP_QUICKACK after a read: got %d, want 1", got)
		}
	}
}
