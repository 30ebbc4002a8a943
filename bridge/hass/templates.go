package hass

// The templates are a fixed set: no vendor's and no user's text is ever put into
// one, and the validator refuses any other (rule E6). Home Assistant renders a
// command template at the moment of the action, so the command says when it was
// made and which one it is (hazards H3 to H5).
//
// The id is drawn as four small numbers because Home Assistant's sandbox refuses
// a range above 100,000.
const (
	stamp = `'sent_at': now().timestamp() | int, 'id': '%04x%04x%04x%04x' | format(range(65536) | random, range(65536) | random, range(65536) | random, range(65536) | random)} | to_json }}`

	envelopeTemplate = `{{ {'action': value, ` + stamp // of a set topic
	callTemplate     = `{{ {'args': {}, ` + stamp      // of a call topic

	// resultTemplate adds the event_type that an event entity needs to the Contract's result.
	resultTemplate = `{{ {'event_type': value_json.outcome, 'reason': value_json.reason, 'action': value_json.action, 'id': value_json.id, 'at': value_json.at} | to_json }}`

	stateTemplate        = `{{ value_json.state }}`
	userActionTemplate   = `{{ value_json.user_action }}`
	expiresTemplate      = `{{ value_json.expires_at }}`
	refreshedTemplate    = `{{ value_json.refreshed_at }}`
	signInBeforeTemplate = `{{ value_json.sign_in_before }}`
	// A problem is what needs a person; an action that is not known yet is one too.
	needsPersonTemplate = `{{ 'OFF' if value_json.user_action == 'none' else 'ON' }}`
	needsDetailTemplate = `{{ {'user_action': value_json.user_action, 'reason': value_json.reason, 'message': (value_json.last_error or {}).get('message'), 'login_url': value_json.login_url} | to_json }}`

	versionTemplate      = `{{ value_json.version }}`
	startedTemplate      = `{{ value_json.started_at }}`
	configErrorTemplate  = `{{ 'ON' if value_json.config_error else 'OFF' }}`
	configDetailTemplate = `{{ {'message': value_json.config_error} | to_json }}`
	problemsTemplate     = `{{ 'ON' if value_json.problems else 'OFF' }}`
	problemsListTemplate = `{{ {'problems': value_json.problems} | to_json }}`
)

// isOurs tells whether a template is of the fixed set, for the key it stands under.
func isOurs(key, template string) bool {
	switch key {
	case "command_template":
		return template == envelopeTemplate || template == callTemplate
	case "value_template":
		switch template {
		case resultTemplate, stateTemplate, userActionTemplate, expiresTemplate, refreshedTemplate, signInBeforeTemplate,
			needsPersonTemplate, versionTemplate, startedTemplate, configErrorTemplate, problemsTemplate:
			return true
		}
	case "json_attributes_template":
		return template == needsDetailTemplate || template == configDetailTemplate || template == problemsListTemplate
	}
	return false
}
