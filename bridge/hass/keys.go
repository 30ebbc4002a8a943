package hass

import "strings"

// The tables of what Home Assistant takes, from its 2026.11 schemas
// (components/mqtt: schemas.py and the platforms' DISCOVERY_SCHEMA). Only the
// platforms that latchkey uses are here.

// Keys of the closed parts of a document: any other refuses all of it. A key
// newer than the oldest supported Home Assistant (message_expiry_interval,
// child_devices) is left out on purpose: there, it would refuse everything.
const (
	rootKeys = "device origin components availability availability_mode availability_topic availability_template " +
		"payload_available payload_not_available state_topic command_topic qos encoding"
	deviceKeys = "identifiers connections name manufacturer model model_id serial_number sw_version hw_version " +
		"via_device suggested_area configuration_url"
	originKeys       = "name sw_version support_url"
	availabilityKeys = "topic payload_available payload_not_available value_template"

	commonKeys = "platform device origin name unique_id icon entity_category enabled_by_default visible_by_default entity_picture " +
		"default_entity_id availability availability_mode availability_topic availability_template payload_available " +
		"payload_not_available qos encoding json_attributes_topic json_attributes_template message_expiry_interval group"
)

// sharedKeys are those that a component takes from the root unless it sets them.
const sharedKeys = "availability availability_mode availability_template availability_topic command_topic encoding " +
	"payload_available payload_not_available state_topic qos"

// platformKeys gives the required and the other keys of a platform besides the
// common ones; ok is false for a platform that latchkey does not use. Locks and
// the like need a state_topic here, though not in Home Assistant: without it a
// state is assumed (hazard H11).
func platformKeys(platform string) (required, others string, ok bool) {
	switch platform {
	case "button":
		return "command_topic", "command_template payload_press retain device_class", true
	case "lock":
		return "command_topic state_topic", "command_template value_template code_format optimistic retain payload_lock payload_unlock " +
			"payload_open payload_reset state_jammed state_locked state_locking state_open state_opening state_unlocked state_unlocking", true
	case "sensor":
		return "state_topic", "value_template device_class unit_of_measurement state_class options expire_after force_update " +
			"suggested_display_precision last_reset_value_template", true
	case "binary_sensor":
		return "state_topic", "value_template device_class off_delay expire_after force_update payload_on payload_off", true
	case "switch":
		return "command_topic state_topic", "command_template value_template device_class optimistic retain payload_on payload_off state_on state_off", true
	case "event":
		return "state_topic event_types", "value_template device_class", true
	case "image":
		return "", "image_topic url_topic url_template content_type image_encoding", true
	case "number":
		return "command_topic state_topic", "command_template value_template device_class unit_of_measurement min max step mode payload_reset optimistic retain", true
	case "select":
		return "command_topic state_topic options", "command_template value_template optimistic retain", true
	}
	return "", "", false
}

// in tells whether word stands in a list of words.
func in(list, word string) bool {
	for word != "" {
		before, after, found := strings.Cut(list, word)
		if !found {
			return false
		}
		if (before == "" || strings.HasSuffix(before, " ")) && (after == "" || after[0] == ' ') {
			return true
		}
		list = strings.TrimLeftFunc(after, func(r rune) bool { return r != ' ' })
	}
	return false
}

// shape is what kind of value a key takes.
type shape int

const (
	text shape = iota // also numbers, which Home Assistant turns into text
	textOrNull
	flag
	whole // a whole number that is not negative
	number
	texts
	anything // judged by a rule of its own
)

// shapeOf gives the shape of a component's value.
func shapeOf(key string) shape {
	switch key {
	case "name", "device_class", "unit_of_measurement", "state_class":
		return textOrNull
	case "enabled_by_default", "visible_by_default", "retain", "optimistic", "force_update":
		return flag
	case "off_delay", "expire_after", "suggested_display_precision", "message_expiry_interval":
		return whole
	case "min", "max", "step":
		return number
	case "options", "event_types":
		return texts
	case "availability", "availability_mode", "qos", "device", "origin", "group":
		return anything
	}
	return text
}

// isAbbreviated tells whether a key is one of Home Assistant's short forms of the
// keys above. They save bytes and cost whoever reads a document on the broker.
func isAbbreviated(key string) bool {
	switch key {
	case "avty", "avty_mode", "avty_t", "avty_tpl", "cmd_t", "cmd_tpl", "cmps", "cns", "cod_form", "cont_type", "cu",
		"def_ent_id", "dev", "dev_cla", "e", "en", "ent_cat", "ent_pic", "evt_typ", "exp_aft", "frc_upd", "hw", "ic", "ids",
		"img_e", "img_t", "json_attr_t", "json_attr_tpl", "lrst_val_tpl", "mdl", "mdl_id", "mf", "msg_exp_int", "o",
		"off_dly", "ops", "opt", "p", "pl_avail", "pl_lock", "pl_not_avail", "pl_off", "pl_on", "pl_open", "pl_prs",
		"pl_rst", "pl_unlk", "ret", "sa", "sn", "stat_cla", "stat_jam", "stat_locked", "stat_locking", "stat_off", "stat_on",
		"stat_open", "stat_opening", "stat_t", "stat_unlocked", "stat_unlocking", "sug_dsp_prc", "sw", "uniq_id",
		"unit_of_meas", "url", "url_t", "url_tpl", "val_tpl", "vis":
		return true
	}
	return false
}
