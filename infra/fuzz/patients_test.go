package fuzz

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// keepsPatients registers two records of one person at lakeside, by the practice's page
// and at its desk, says what staff say of patients, lets somebody act for one, and merges
// the two.
func (w *world) keepsPatients(staff *person) {
	w.t.Helper()
	number := w.IntN(1_000_000)
	before := w.names["practice"]
	defer func() { w.names["practice"] = before }()
	w.names["practice"] = "lakeside"
	who := map[string]any{"name": fmt.Sprint("Guest Number", number), "birth_date": "1990-04-12", "sex": "female"}
	w.does("readDoor", nil, nil, nil)
	byPage := w.made(w.does("joinPractice", w.guest(fmt.Sprintf("patient-%d@mail.example", number)), nil, who))
	who["email"] = fmt.Sprintf("patient-%d@work.example", number)
	got, _ := w.does("registerPatient", staff, nil, who)
	var atDesk struct {
		Patient struct {
			ID string `json:"id"`
		} `json:"patient"`
	}
	if json.Unmarshal(got.body, &atDesk) != nil || byPage == "" || atDesk.Patient.ID == "" {
		return
	}
	w.names["patient"] = atDesk.Patient.ID
	w.does("invitePatient", staff, nil, nil)
	w.names["patient"] = byPage
	for _, op := range []string{"listPatients", "getPatient", "listDoubles", "verifyPatient"} {
		w.does(op, staff, nil, nil)
	}
	w.does("giveDiscount", staff, nil, map[string]any{"percent": 1 + w.IntN(100), "reason": "hardship", "last": w.now().AddDate(0, 1, 0).Format(time.DateOnly)})
	w.does("endDiscount", staff, nil, nil)
	w.does("setSeen", staff, nil, map[string]string{"seen": "2025-11-03"})
	w.does("setStanding", staff, nil, map[string]string{"standing": "warned", "reason": "misuse"})
	w.does("changeContact", staff, nil, map[string]string{"phone": "+15035550142"})
	w.insured(staff)
	w.carer(staff, fmt.Sprintf("carer-%d@mail.example", number))
	w.does("mergePatient", staff, nil, map[string]string{"into": atDesk.Patient.ID})
	file := map[string]any{"file": fmt.Sprintf("name,birth,email\nPat Line%d,1980-01-30,line-%d@file.example\n", number, number)}
	w.does("previewPatients", staff, nil, file)
	file["id"] = fmt.Sprint("file-", number)
	w.does("importPatients", staff, nil, file)
}

// insured has the operator keep payers, and staff the health plans of the patient that is named.
func (w *world) insured(staff *person) {
	w.t.Helper()
	operator := w.person("operator.pat-quinn")
	w.names["payer"] = fmt.Sprint("PAYER", w.IntN(20))
	payer := map[string]any{"id": w.names["payer"], "name": "Another Mutual", "filing_code": "CI", "electronic_address": "ANOTHER"}
	w.does("registerPayer", operator, nil, payer)
	payer["filing_code"] = oneOf(w, "CI", "HM")
	w.does("changePayer", operator, nil, payer)
	w.does("endPayer", operator, nil, nil)
	w.does("resumePayer", operator, nil, nil)
	w.does("listPayers", staff, nil, nil)
	card := map[string]any{"payer": w.names["payer"], "member_id": "W1234", "relation": "self", "priority": 1}
	id := w.made(w.does("addCoverage", staff, nil, card))
	if id == "" {
		return
	}
	w.names["coverage"] = id
	w.does("listCoverages", staff, nil, nil)
	w.does("orderCoverages", staff, nil, map[string]any{"turns": []any{map[string]any{"id": id, "priority": 1, "version": 1}}})
	card["member_id"] = "W9999"
	w.does("changeCoverage", staff, nil, card)
	w.does("checkCoverage", staff, nil, nil)
	w.does("endCoverage", staff, nil, map[string]string{"last": "2099-12-31"})
}

// carer has somebody invited to act for the patient that is named, who accepts, and acts
// no more.
func (w *world) carer(staff *person, email string) {
	w.t.Helper()
	w.names["invitation"] = w.made(w.does("inviteCaregiver", staff, nil, map[string]string{"email": "wrong-" + email, "why": "help"}))
	w.does("uninviteCaregiver", staff, nil, nil)
	invitation := w.made(w.does("inviteCaregiver", staff, nil, map[string]string{"email": email, "why": "help"}))
	if person := w.accepts(w.guest(email), email, invitation); person != "" {
		w.names["person"] = person
		w.does("listCaregivers", staff, nil, nil)
		w.does("revokeCaregiver", staff, nil, nil)
	}
}

// guest is somebody new to the issuer.
func (w *world) guest(email string) *person {
	w.t.Helper()
	p := &person{Name: "Guest"}
	w.tool(http.MethodPost, w.sys.URL+"/dev/issuer/people", map[string]any{"name": p.Name, "email": email, "email_verified": true}, p)
	return p
}

// made is the id of what a request made; empty if it was refused.
func (w *world) made(got reply, done bool) string {
	var out struct {
		ID string `json:"id"`
	}
	if !done || json.Unmarshal(got.body, &out) != nil {
		return ""
	}
	return out.ID
}
