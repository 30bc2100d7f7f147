package fuzz

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
)

// runsOffice does one thing of those who run the system or a practice: registers a
// practice, has somebody invited who joins, changes what somebody may do.
func (w *world) runsOffice() {
	w.t.Helper()
	admin := w.person(oneOf(w, "ada-brooks", "ruth-vance"))
	w.names["person"] = map[string]string{"ada-brooks": "nora-patel", "ruth-vance": "vera-holt"}[admin.ID]
	switch w.IntN(6) {
	case 0:
		w.runsPractice(w.person("pat-quinn"))
	case 1:
		w.invites(admin)
	case 2:
		w.does("listPeople", admin, nil, nil)
		w.does("getPerson", admin, nil, nil)
	case 3:
		w.does("changePerson", admin, nil, map[string]any{"roles": []string{"nurse"}, "name": "Nora Patel, RN"})
	case 4:
		w.does("deactivatePerson", admin, nil, nil)
	default:
		w.does("reactivatePerson", admin, nil, nil)
	}
}

// runsPractice registers another practice, looks at it, changes it.
func (w *world) runsPractice(operator *person) {
	w.t.Helper()
	if w.IntN(3) == 0 {
		w.names["practice"] = fmt.Sprint("practice-", w.IntN(20))
	}
	in := map[string]any{
		"id": w.names["practice"], "name": "Another Clinic", "time_zone": "America/Denver", "phone": "+13035550100", "inbox": "desk@another.example",
		"npi": "1234567893", "ein": "123456789", "taxonomy": "207Q00000X",
		"address": map[string]string{"line": "1 Main Street", "city": "Denver", "state": "CO", "zip": "80201"},
	}
	switch w.IntN(7) {
	case 0, 1:
		w.does("registerPractice", operator, nil, in)
	case 2:
		w.does("listPractices", operator, nil, nil)
		w.does("readPractice", operator, nil, nil)
	case 3:
		in["name"] = "Another Clinic and Son"
		w.does("changePractice", operator, nil, in)
	case 4:
		w.does("suspendPractice", operator, nil, nil)
	case 5:
		w.does("unsuspendPractice", operator, nil, nil)
	default:
		w.does("inviteAdministrator", operator, nil, map[string]string{"email": "kit@another.example", "name": "Kit Doe"})
	}
}

var acceptLink = regexp.MustCompile(`/accept/([a-z0-9]+)\?code=(\w+)`)

// invites has somebody invited, who joins or is told that the practice thought better of
// it.
func (w *world) invites(admin *person) {
	w.t.Helper()
	email := fmt.Sprintf("guest-%d@mail.example", w.IntN(1_000_000))
	got, done := w.does("invitePerson", admin, nil, map[string]any{"email": email, "roles": []string{"nurse"}, "name": "Guest, RN"})
	var made struct{ ID string }
	if !done || json.Unmarshal(got.body, &made) != nil {
		return
	}
	w.names["invitation"] = made.ID
	w.does("listInvitations", admin, nil, nil)
	if w.IntN(2) == 0 {
		w.does("revokeInvitation", admin, nil, nil)
		return
	}
	guest := &person{Name: "Guest"}
	w.tool(http.MethodPost, w.sys.URL+"/dev/issuer/people", map[string]any{"name": guest.Name, "email": email, "email_verified": true}, guest)
	var box struct {
		Mails []struct{ Text string }
	}
	w.tool(http.MethodGet, w.sys.URL+"/dev/mail.json?to="+email, nil, &box)
	for _, m := range box.Mails {
		if found := acceptLink.FindStringSubmatch(m.Text); found != nil && found[1] == made.ID {
			w.does("acceptInvitation", guest, nil, map[string]string{"code": found[2]})
		}
	}
}
