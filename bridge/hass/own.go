package hass

import (
	"latchkey/bridge"
)

// bridgeDevice is latchkey itself.
func (o Options) bridgeDevice() map[string]any {
	m := map[string]any{
		"identifiers":  []string{o.identifier(subject{bridgeID, bridgeID})},
		"name":         "latchkey " + plain(o.Instance),
		"manufacturer": "latchkey",
		"model":        "Bridge",
	}
	o.link(m)
	if v := plain(o.Version); v != "" {
		m["sw_version"] = v
	}
	return m
}

// accountDevice is one account. Its name says so: a door station may be called
// like the account that it belongs to.
func (o Options) accountDevice(l bridge.Listing) map[string]any {
	name := plain(l.Name)
	if name == "" {
		name = label(l.Account)
	}
	m := map[string]any{
		"identifiers": []string{o.identifier(subject{l.Account, accountID})},
		"name":        name + " account",
		"model":       "Cloud account",
		"via_device":  o.identifier(subject{bridgeID, bridgeID}),
	}
	if vendor := plain(l.Vendor); vendor != "" {
		m["manufacturer"] = vendor
	}
	o.link(m)
	return m
}

func (o Options) link(device map[string]any) {
	if u := o.pageURL(); u != "" {
		device["configuration_url"] = u
	}
}

// bridgeComponents are latchkey's own diagnostics and calls.
func (o Options) bridgeComponents() map[string]component {
	own := o.own(subject{bridgeID, bridgeID}, o.Topics.BridgeInfo())
	own.add("version", "sensor", "Version", versionTemplate).diagnostic()
	own.add("started", "sensor", "Started", startedTemplate).class("timestamp").diagnostic().off()
	own.add("configuration", "binary_sensor", "Configuration problem", configErrorTemplate).class("problem").diagnostic().
		attributes(o.Topics.BridgeInfo(), configDetailTemplate)
	own.add("problem", "binary_sensor", "Problem", problemsTemplate).class("problem").diagnostic().
		attributes(o.Topics.BridgeInfo(), problemsListTemplate)
	own.call("announce", "Announce again", bridge.Target{Call: "announce"})
	own.call("reload", "Reload configuration", bridge.Target{Call: "reload"})
	return own.components
}

// accountComponents tell whether an account's sign-in holds, and what to do.
func (o Options) accountComponents(account string) map[string]component {
	token := o.Topics.Token(account)
	own := o.own(subject{account, accountID}, token)
	own.add("authorization", "sensor", "Authorization", stateTemplate).class("enum").options(bridge.TokenStates())
	own.add("problem", "binary_sensor", "Authorization problem", needsPersonTemplate).class("problem").
		attributes(token, needsDetailTemplate)
	own.add("user_action", "sensor", "Needed action", userActionTemplate).class("enum").options(bridge.UserActions()).diagnostic().off()
	own.add("expires", "sensor", "Token expires", expiresTemplate).class("timestamp").diagnostic().off()
	own.add("refreshed_at", "sensor", "Token refreshed", refreshedTemplate).class("timestamp").diagnostic().off()
	own.add("sign_in_before", "sensor", "Sign in before", signInBeforeTemplate).class("timestamp").diagnostic()
	c := own.add("connection", "binary_sensor", "Connection", "").class("connectivity").diagnostic()
	c["state_topic"], c["payload_on"], c["payload_off"] = o.Topics.AccountState(account), "online", "offline"
	own.call("refresh", "Refresh now", bridge.Target{Account: account, Call: "refresh"})
	return own.components
}

// own collects the components of the bridge or of an account, all read from one topic.
type own struct {
	o          Options
	s          subject
	topic      string
	components map[string]component
}

func (o Options) own(s subject, topic string) own { return own{o, s, topic, map[string]component{}} }

// add describes a value; a template "" takes the payload as it is.
func (w own) add(key, platform, name, template string) component {
	c := w.o.start(w.s, key, platform, name)
	c["state_topic"] = w.topic
	if template != "" {
		c["value_template"] = template
	}
	w.components[key] = c
	return c
}

// call describes a button for a named call, and the event of its result.
func (w own) call(key, name string, target bridge.Target) {
	c := w.o.start(w.s, key, string(bridge.Button), name)
	c.diagnostic()
	w.o.commandable(c, w.o.Topics.CommandTopic(target), callTemplate)
	w.components[key] = c
	w.components[key+"_result"] = w.o.result(w.s, key, name, w.o.Topics.ResultTopic(target))
}

func (c component) class(class string) component { c["device_class"] = class; return c }
func (c component) options(list any) component   { c["options"] = list; return c }
func (c component) diagnostic() component        { c["entity_category"] = "diagnostic"; return c }
func (c component) off() component               { c["enabled_by_default"] = false; return c }

func (c component) attributes(topic, template string) component {
	c["json_attributes_topic"], c["json_attributes_template"] = topic, template
	return c
}
