package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"latchkey/bridge"
)

func checkMQTT(m MQTT) error {
	return errors.Join(
		checkBroker(m),
		wrongIf(m.Username == "" && !m.Password.Empty(), "mqtt.password", "MQTT takes no password without a username"),
		wrongIf((m.TLS.CertFile == "") != (m.TLS.KeyFile == ""), "mqtt.tls", "cert_file and key_file belong together"),
	)
}

func checkBroker(m MQTT) error {
	const path = "mqtt.broker"
	u, err := parseURL(path, m.Broker, "mqtt", "mqtts", "ws", "wss", "unix")
	switch {
	case err != nil:
		return err
	case u.Scheme == "unix" && u.Path == "":
		return bridge.At(path, "names no socket (write unix:///run/mosquitto.sock)")
	case m.TLS != TLS{} && u.Scheme != "mqtts" && u.Scheme != "wss":
		return bridge.At(path, "%s is not encrypted, but mqtt.tls is given (write mqtts or wss)", u.Scheme)
	}
	return nil
}

func warnMQTT(m MQTT) error {
	u, err := parseURL("", m.Broker, "mqtt", "mqtts", "ws", "wss", "unix")
	if err != nil {
		return nil
	}
	plain := (u.Scheme == "mqtt" || u.Scheme == "ws") && !loopback(u.Hostname())
	anonymous := u.Scheme != "unix" && m.Username == "" && m.TLS.CertFile == ""
	return errors.Join(
		wrongIf(plain, "mqtt.broker", "the connection is not encrypted: whoever can read it sees the password and may open doors (mqtts encrypts)"),
		wrongIf(anonymous, "mqtt", "no username: whoever reaches this broker may open doors (give latchkey a user of its own)"),
	)
}

// checkFiles reads the PEM files, so that a bad one is found now and not when
// the connection is made.
func (l *loader) checkFiles(t TLS) error {
	var errs []error
	read := func(path, name string) []byte {
		if name == "" || l.unknown(name) {
			return nil
		}
		data, err := l.file(name)
		if err != nil {
			errs = append(errs, bridge.At(path, "%s %v", name, err))
		}
		return data
	}
	ca, cert, key := read("mqtt.tls.ca_file", t.CAFile), read("mqtt.tls.cert_file", t.CertFile), read("mqtt.tls.key_file", t.KeyFile)
	if ca != nil && !x509.NewCertPool().AppendCertsFromPEM(ca) {
		errs = append(errs, bridge.At("mqtt.tls.ca_file", "%s holds no certificate in PEM form", t.CAFile))
	}
	if cert != nil && key != nil {
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			errs = append(errs, bridge.At("mqtt.tls.cert_file", "certificate and key cannot be used: %v", err))
		}
	}
	return errors.Join(errs...)
}

// checkTopics keeps what latchkey publishes, what it takes and what Home
// Assistant publishes apart.
func checkTopics(c *Config) error {
	ha := c.HomeAssistant
	within := func(topic, above string) bool { return strings.HasPrefix(topic+"/", above+"/") }
	errs := []error{
		oneOf("homeassistant.discovery", ha.Discovery, "device", "components", "off"),
		checkTopic("mqtt.topic", c.MQTT.Topic), checkTopic("homeassistant.prefix", ha.Prefix), checkTopic("homeassistant.birth_topic", ha.BirthTopic),
		wrongIf(within(c.MQTT.Topic, ha.Prefix) || within(ha.Prefix, c.MQTT.Topic), "mqtt.topic", "lies within homeassistant.prefix, or the other way round (they must be apart)"),
		wrongIf(within(ha.BirthTopic, c.MQTT.Topic), "homeassistant.birth_topic", "lies within mqtt.topic, which is latchkey's own"),
	}
	return errors.Join(errs...)
}

func checkTopic(path, topic string) error {
	levels := strings.Split(topic, "/")
	switch {
	case len(topic) > 128:
		return bridge.At(path, "is longer than 128 bytes")
	case strings.HasPrefix(topic, "$"), slices.Contains(levels, ""), strings.ContainsAny(topic, "+#"), !printable(topic):
		return bridge.At(path, "is no topic prefix (names with / between them, such as home/latchkey, without + # and $)")
	}
	return nil
}

func checkCommands(c Commands) error {
	return errors.Join(
		wrongIf(c.Deadline <= bridge.Spare, "commands.deadline", "must be more than %s, or no command could ever be sent", bridge.Spare),
		wrongIf(c.MaxAge == 0, "commands.max_age", "must be more than 0, or every command would be too old"),
	)
}

// wrongIf is a mistake at a path if wrong.
func wrongIf(wrong bool, path, format string, args ...any) error {
	if !wrong {
		return nil
	}
	return bridge.At(path, format, args...)
}

func oneOf(path, got string, known ...string) error {
	return wrongIf(!slices.Contains(known, got), path, "%q is not known here (one of: %s)", got, strings.Join(known, ", "))
}

func notID(path, got string) error {
	return bridge.At(path, "%q is no id (1 to %d of a-z, 0-9 and _)", got, bridge.MaxID)
}

// printable tells whether a text is UTF-8 without control characters.
func printable(text string) bool {
	return strings.ToValidUTF8(text, "") == text && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 })
}
