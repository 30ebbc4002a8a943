package web

import "latchkey/bridge"

// home writes the page.
func (v view) home() *sheet {
	s := &sheet{}
	s.begin("latchkey")
	if !v.Locked {
		s.add(`<p>%s · %s</p>`, v.Instance, v.Version)
	}
	if v.CanLeave {
		s.add(`<form method="post" action="/session/end"><button>Leave</button></form>`)
	}
	s.add("</header>\n<main>\n")
	if v.Locked {
		s.locked(v.Password)
	} else {
		s.broker(v.MQTT)
		if v.ConfigError != "" {
			s.add(`<section class="card bad"><h2>The changed configuration is not in force</h2><pre>%s</pre></section>`+"\n", v.ConfigError)
		}
		for _, p := range v.Problems {
			s.add(`<section class="card bad"><h2>%s</h2><p>%s · %s</p></section>`+"\n", p.Message, p.Topic, when(p.At))
		}
		for _, a := range v.Accounts {
			s.account(a)
		}
		s.commands(v.Commands)
	}
	s.end()
	return s
}

func (s *sheet) locked(password bool) {
	s.add(`<section class="card">
<h2>Who is there?</h2>
`)
	if password {
		s.add(`<form method="post" action="/session"><label>Password <input type="password" name="password" autofocus autocomplete="current-password"></label> <button>Enter</button></form>`)
	} else {
		s.add(`<p>This page opens on the machine that latchkey runs on. For other machines set <code>web.password_file</code> in the configuration.</p>`)
	}
	s.add("\n</section>\n")
}

func (s *sheet) broker(l LinkStatus) {
	s.add(`<section class="card %s">`+"\n<h2>Broker</h2>\n", news(l.Open))
	switch {
	case l.Open:
		s.add("<p>%s: connected since %s</p>\n", l.Broker, when(l.Since))
	case l.Error != "":
		s.add("<p>%s: not connected: %s</p>\n", l.Broker, l.Error)
	default:
		s.add("<p>%s: not connected</p>\n", l.Broker)
	}
	s.add("</section>\n")
}

func (s *sheet) account(a AccountStatus) {
	t := a.Token
	signedIn := t.State != bridge.SignedOut
	s.add(`<section class="card %s" id="%s">`+"\n", news(t.UserAction == bridge.ActionNone), a.ID)
	s.add(`<h2>%s</h2>
<p class="quiet">%s · %s</p>
<p>Sign-in: <b>%s</b>. %s</p>
`, a.Name, a.ID, a.Vendor, tokenWords(t), todoWords(t.UserAction))
	if signedIn {
		s.token(t)
	}
	s.add(`<div class="buttons"><a class="button" href="/accounts/%s/login">Sign in</a>`+"\n", a.ID)
	if signedIn {
		s.add(`<form method="post" action="/accounts/%s/refresh"><button>Renew now</button></form>
<form method="post" action="/accounts/%s/logout"><button>Sign out</button></form>`, a.ID, a.ID)
	}
	s.add("</div>\n")
	for _, d := range a.Devices {
		s.device(d)
	}
	s.add("</section>\n")
}

func (s *sheet) token(t bridge.Health) {
	s.add("<dl>\n")
	s.add("<dt>Runs out</dt><dd>%s</dd>\n<dt>Renewed</dt><dd>%s</dd>\n<dt>Next renewal</dt><dd>%s</dd>\n", when(t.ExpiresAt), when(t.RefreshedAt), when(t.NextRefreshAt))
	if !t.SignInBefore.IsZero() {
		s.add("<dt>Sign in before</dt><dd>%s</dd>\n", when(t.SignInBefore))
	}
	if e := t.LastError; e != nil {
		s.add("<dt>Last failure</dt><dd>%s (%s)</dd>\n", e.Message, when(e.At))
	}
	s.add("</dl>\n")
}

func (s *sheet) device(d DeviceStatus) {
	reached := "not reached"
	if d.Online {
		reached = "reached"
	}
	s.add(`<h3>%s <span class="quiet">%s · %s</span></h3>`+"\n<ul>", d.Name, d.Model, reached)
	for _, e := range d.Entities {
		if shown(e) {
			s.add("<li>%s: %s</li>", e.Name, e.Value)
		}
	}
	s.add("</ul>\n")
}

func (s *sheet) commands(last []bridge.Result) {
	s.add(`<section class="card">
<h2>Last commands</h2>
`)
	if len(last) == 0 {
		s.add("<p>None yet.</p>\n</section>\n")
		return
	}
	s.add("<table><tr><th>when</th><th>what</th><th>result</th></tr>\n")
	for _, r := range last {
		result := string(r.Reason)
		if r.Message != "" {
			result += ": " + r.Message
		}
		s.add("<tr><td>%s</td><td>%s %s %s %s</td><td>%s</td></tr>\n", when(r.At), r.Account, r.Device, r.Entity, r.Action, result)
	}
	s.add("</table>\n</section>\n")
}
