package mqtt_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// hand is a broker that the test plays by hand, packet by packet, for manners
// that no real broker shows on demand.
type hand struct {
	t     *testing.T
	links chan net.Conn
}

func newHand(t *testing.T) *hand { return &hand{t, make(chan net.Conn)} }

func (h *hand) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case h.links <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// accept takes the next link and answers its CONNECT with a return code.
func (h *hand) accept(code byte) (net.Conn, *packets.ConnectPacket) {
	h.t.Helper()
	conn := <-h.links
	connect, is := h.read(conn).(*packets.ConnectPacket)
	if !is {
		h.t.Fatal("the first packet is no CONNECT")
	}
	ack := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
	ack.ReturnCode = code
	h.write(conn, ack)
	return conn, connect
}

// read returns nil when the link has ended.
func (h *hand) read(conn net.Conn) packets.ControlPacket {
	packet, err := packets.ReadPacket(conn)
	if err != nil {
		return nil
	}
	return packet
}

func (h *hand) write(conn net.Conn, packet packets.ControlPacket) {
	h.t.Helper()
	if err := packet.Write(conn); err != nil && !errors.Is(err, net.ErrClosed) {
		h.t.Logf("broker by hand: %v", err)
	}
}

// answers says what a broker by hand does with a packet; false: nothing.
type answers struct {
	publish func(*packets.PublishPacket) bool
	refuse  string // a filter that gets 128
	mute    bool   // no SUBACK
	noPong  bool
}

// serve answers as told until the link ends or publish says stop.
func (h *hand) serve(conn net.Conn, a answers) {
	for {
		switch p := h.read(conn).(type) {
		case nil:
			return
		case *packets.PublishPacket:
			if a.publish != nil && !a.publish(p) {
				continue
			}
			ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
			ack.MessageID = p.MessageID
			h.write(conn, ack)
		case *packets.SubscribePacket:
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID = p.MessageID
			for _, filter := range p.Topics {
				code := byte(1)
				if filter == a.refuse {
					code = 0x80
				}
				ack.ReturnCodes = append(ack.ReturnCodes, code)
			}
			if !a.mute {
				h.write(conn, ack)
			}
		case *packets.PingreqPacket:
			if !a.noPong {
				h.write(conn, packets.NewControlPacket(packets.Pingresp))
			}
		case *packets.DisconnectPacket:
			conn.Close()
		}
	}
}
