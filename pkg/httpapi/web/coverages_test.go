package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// payers has the operator register an insurer and Medicare.
func (h *house) payers(t *testing.T) *browser {
	t.Helper()
	h.rooms.Kernel.Operators = []clinic.Proof{{Issuer: h.issuer.URL, Subject: "ops"}}
	ops := h.as(t, "Olu", "/manage/practices")
	ops.link("Payers")
	ops.wants(http.StatusOK, "No payer is registered yet.")
	ops.link("Register a payer")
	ops.press("Register", url.Values{"id": {"6"}, "filing": {""}, "address": {"!"}})
	ops.wants(http.StatusUnprocessableEntity, "There is a problem", "Give the payer's id at the clearinghouse", "Give the payer's name", "Give the claim filing indicator code", "Give the receiver's id")
	ops.press("Register", url.Values{"id": {"60054"}, "name": {"Cascade Mutual"}, "filing": {"CI"}, "address": {"CASCADE"}})
	ops.wants(http.StatusOK, "The payer is registered.", "Payer id", "60054")
	ops.get("/manage/payers/new")
	ops.press("Register", url.Values{"id": {"MEDOR"}, "name": {"Medicare of Oregon"}, "filing": {"MB"}, "address": {""}})
	return ops
}

func TestPayers_Pages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ops := h.payers(t)
	ops.link("Payers")
	ops.wants(http.StatusOK, "Cascade Mutual", "Commercial insurance", "Medicare of Oregon", "Medicare, part B", "none")
	ops.link("Cascade Mutual")
	ops.press("Save", url.Values{"name": {""}})
	ops.wants(http.StatusUnprocessableEntity, "Give the payer's name")
	ops.press("Save", url.Values{"name": {"Cascade Mutual Insurance"}})
	ops.wants(http.StatusOK, "The change is made.", "Cascade Mutual Insurance")
	ops.press("End: no new health plan may name it", nil)
	ops.wants(http.StatusOK, "Ended since")
	ops.link("Payers")
	ops.wants(http.StatusOK, "Cascade Mutual Insurance Ended")
	ops.link("Cascade Mutual Insurance")
	ops.press("Let new health plans name it again", nil)
	ops.get("/manage/payers/new")
	ops.press("Register", url.Values{"id": {"60054"}, "name": {"Another"}, "filing": {"CI"}, "address": {""}})
	ops.wants(http.StatusConflict, "A payer of this id is registered with other words")
	for _, path := range []string{"/manage/payers", "/manage/payers/new", "/manage/payers/60054"} {
		h.as(t, "Adm", path).wants(http.StatusNotFound)
	}
}

// A patient enters a health plan and changes it, errors beside the fields; the practice compares
// it with the card; the patient ends it.
func TestCoverages_Pages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.payers(t)
	ada := h.as(t, "Ada", "/my/data")
	ada.link("Show and change the health plans")
	ada.wants(http.StatusOK, "Health plans", "No health plan is entered yet.")
	ada.link("Enter a health plan")
	ada.press("Save", url.Values{"payer": {"MEDOR"}, "member": {"123-45-6789A"}, "relation": {"spouse"}, "birth": {"tomorrow"}, "from": {"yesterday"}})
	ada.wants(http.StatusUnprocessableEntity, "There is a problem", "A Medicare number has eleven characters", "Medicare covers each person by themselves",
		"Give the first name", "Choose a day, or write it as", "Give 1 for the plan that pays first")
	if got := ada.value("member"); len(got) != 1 || got[0] != "123-45-6789A" {
		t.Errorf("what was typed is %q", got)
	}
	own := url.Values{
		"payer": {"MEDOR"}, "member": {"1eg4-te5-mk73"}, "relation": {"self"}, "first": {""}, "last": {""}, "birth": {""}, "sex": {""}, "priority": {"1"}, "from": {""},
	}
	ada.press("Save", own)
	ada.wants(http.StatusOK, "The health plan is entered.", "Medicare of Oregon", "Medicare, part B", "Not compared with the card yet", "1EG4TE5MK73", "The patient's own")
	ada.link("Enter a health plan")
	second := url.Values{
		"plan": {"Northwest Health"}, "member": {"77"}, "relation": {"child"}, "first": {"Rosa"}, "last": {"Diaz"}, "birth": {"1960-10-03"}, "priority": {"1"},
	}
	ada.press("Save", second)
	ada.wants(http.StatusConflict, "Another health plan of the patient has this turn")
	second.Set("priority", "2")
	ada.press("Save", second)
	ada.wants(http.StatusOK, "Northwest Health", "A parent's: Rosa Diaz", "Second")

	adm := h.as(t, "Adm", "/desk/work")
	adm.wants(http.StatusOK, "A health plan was entered or changed", "PatientAda Adams")
	adm.link("Ada Adams")
	adm.link("Health plans")
	adm.get("/desk/work")
	adm.link("Check the health plan")
	adm.wants(http.StatusOK, "Not compared with the card yet", "It agrees with the card")
	adm.press("It agrees with the card", nil)
	adm.wants(http.StatusOK, "It is noted that it agrees with the card.", "Compared with the card by the practice")

	ada.get("/coverages/p-ada")
	if strings.Contains(ada.text(), "It agrees with the card") {
		t.Error("a patient may check their own card")
	}
	ada.link("Say when it ends")
	ada.press("It ends", url.Values{"last": {"soon"}})
	ada.wants(http.StatusUnprocessableEntity, "Choose a day")
	ada.press("It ends", url.Values{"last": {"2026-03-01"}})
	ada.wants(http.StatusOK, "The end is noted.", "Ended", "1 March 2026")
	if page := ada.text(); strings.Index(page, "Northwest Health") > strings.Index(page, "Medicare of Oregon") {
		t.Error("a plan that has ended is listed before one that holds")
	}
	ada.link("Change Northwest Health")
	ada.press("Save", url.Values{"member": {"*"}, "until": {"x"}})
	ada.wants(http.StatusUnprocessableEntity, "Give the member's number", "Choose a day")
	ada.press("Save", url.Values{"member": {"78"}, "until": {"2026-12-31"}})
	ada.wants(http.StatusOK, "The change is made.", "78", "31 December 2026")

	h.as(t, "Cal", "/coverages/p-ada").wants(http.StatusOK, "Northwest Health")
	for _, who := range []string{"Bea", "Dr. X"} {
		h.as(t, who, "/coverages/p-ada").wants(http.StatusNotFound)
		h.as(t, who, "/coverages/p-ada/new").wants(http.StatusNotFound)
	}
	ada.get("/my/data/access")
	ada.wants(http.StatusOK, "Adam Admin, administrator", "compared a health plan with its card", "entered a health plan", "read the health plans", "ended a health plan")
}

// What somebody else has changed meanwhile is not undone, nor checked unseen.
func TestCoverages_Stale(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/coverages/p-ada/new")
	ada.press("Save", url.Values{"plan": {"Northwest Health"}, "member": {"77"}, "relation": {"self"}, "priority": {"1"}})
	adm := h.as(t, "Adm", "/coverages/p-ada")
	other := h.as(t, "Ada", "/coverages/p-ada")
	other.link("Change Northwest Health")
	ada.link("Change Northwest Health")
	ada.press("Save", url.Values{"member": {"78"}})
	adm.press("It agrees with the card", nil)
	adm.wants(http.StatusPreconditionFailed, "There is a problem", "Not compared with the card yet", "78")
	other.press("Save", url.Values{"member": {"79"}})
	other.wants(http.StatusPreconditionFailed, "There is a problem")
}

// The same press twice is one health plan.
func TestCoverages_PressedTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/coverages/p-ada/new")
	page, at := ada.page, ada.at
	card := url.Values{"plan": {"Northwest Health"}, "member": {"77"}, "relation": {"self"}, "priority": {"1"}}
	ada.press("Save", card)
	ada.page, ada.at = page, at
	ada.press("Save", card)
	ada.wants(http.StatusOK, "The health plan is entered.")
	if n := strings.Count(ada.text(), "Member number"); n != 1 {
		t.Errorf("there are %d health plans", n)
	}
}

// Two health plans change places on one page, and a page that is old by then is refused.
func TestCoverages_Ordered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.payers(t)
	adm := clinic.Caller{Person: identity.Person{ID: "adm", Practice: "oak", Role: identity.Admin}}
	enter := func(plan phi.Text, turn int) string {
		held, err := h.cast.AddCoverage(t.Context(), adm, "p-ada", coverage.Card{Plan: plan, Member: "W1", Relation: coverage.Self, Priority: turn})
		must(t, err)
		return "turn-" + held.ID
	}
	first := enter("Northwest Health", 1)
	ada := h.as(t, "Ada", "/coverages/p-ada")
	if strings.Contains(ada.text(), "Say which pays first") {
		t.Error("one plan is to be ordered")
	}
	second := enter("Harbor Health", 2)
	ada.get("/coverages/p-ada")
	ada.link("Say which pays first")
	ada.wants(http.StatusOK, "Which plan pays first?", "Northwest Health", "Harbor Health")
	page, at := ada.page, ada.at
	ada.press("Save", url.Values{first: {"2"}})
	ada.wants(http.StatusConflict, "Another health plan of the patient has this turn")
	if got := ada.value(first); len(got) != 1 || got[0] != "2" {
		t.Errorf("what was chosen is %q", got)
	}
	ada.press("Save", url.Values{first: {"x"}, second: {"1"}})
	if ada.wants(http.StatusUnprocessableEntity); len(ada.mistakes(first)) != 1 || len(ada.mistakes(second)) != 0 {
		t.Error("a turn that is none is not said beside its plan")
	}
	ada.press("Save", url.Values{first: {"2"}, second: {"1"}})
	ada.wants(http.StatusOK, "It is noted which plan pays first.")
	if text := ada.text(); strings.Index(text, "Harbor Health") > strings.Index(text, "Northwest Health") {
		t.Error("who pays first is not listed first")
	}
	ada.page, ada.at = page, at
	ada.press("Save", url.Values{first: {"3"}, second: {"1"}})
	ada.wants(http.StatusPreconditionFailed)
}
