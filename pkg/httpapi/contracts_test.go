package httpapi_test

import (
	"maps"
	"slices"
	"testing"

	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
)

type shownContract struct {
	ID, Payer, Code, Why string
	Name                 string `json:"payer_name"`
	Rate, Share          int64
	Holds                bool    `json:"holds_today"`
	By                   string  `json:"entered_by"`
	Removed              *string `json:"removed_at"`
	Version              int
}

// An administrator enters what payers allow, replaces and removes it; the list says which holds.
// What is entered from an old version, or is no whole, positive amount of cents, is refused, and
// nothing is written; nobody else reads or writes it. A member of the payer is quoted their share.
func TestContracts_Entered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rooms.Kernel.Operators = []clinic.Proof{{Issuer: testIssuer, Subject: "olu"}}
	for _, p := range []coverage.Payer{{ID: "60054", Name: "Cascade", Filing: "CI"}, {ID: "MEDOR", Name: "Medicare", Filing: "MB"}} {
		if _, err := w.cast.RegisterPayer(t.Context(), clinic.Caller{Proof: w.rooms.Kernel.Operators[0], Strong: true}, p); err != nil {
			t.Fatal(err)
		}
	}
	enter := func(changes map[string]any) call {
		body := map[string]any{"payer": "60054", "code": "99421", "from": "2026-01-01", "rate": 33_33, "percent": 33}
		maps.Copy(body, changes)
		maps.DeleteFunc(body, func(_ string, v any) bool { return v == nil })
		return call{as: admin, method: "POST", path: "/settings/contracts", body: body}
	}
	list := func() (all []shownContract) {
		t.Helper()
		var out struct{ Contracts []shownContract }
		w.do(t, call{as: admin, method: "GET", path: "/settings/contracts"}, &out)
		return out.Contracts
	}
	if got := list(); len(got) != 0 {
		t.Errorf("before: %+v", got)
	}
	var first, again, later shownContract
	w.do(t, enter(nil), &first)
	if first.ID != "60054.99421.2026-01-01" || first.Share != 10_99 || first.Why == "" || first.By != admin || first.Version != 1 {
		t.Fatalf("entered: %+v", first)
	}
	if w.do(t, enter(nil), &again); again.Version != 1 {
		t.Errorf("the same again: %+v", again)
	}
	if w.do(t, enter(map[string]any{"percent": nil, "copay": 20_00}), &again); again.Version != 2 || again.Share != 20_00 {
		t.Errorf("replaced: %+v", again)
	}
	w.do(t, enter(map[string]any{"from": "2026-02-01", "percent": 10}), &later)
	if got := list(); len(got) != 2 || got[0].Holds || !got[1].Holds || got[1].Name != "Cascade" {
		t.Errorf("listed: %+v", got)
	}
	w.nothingWritten(t, func(t *testing.T) {
		old := enter(map[string]any{"rate": 90_00})
		old.header = map[string]string{"If-Match": quoted(1)}
		refused(t, send(t, w.api, old), 412, "stale")
		for _, amounts := range []map[string]any{
			{"rate": -1},
			{"rate": 0},
			{"rate": 1e15},
			{"percent": nil, "copay": -1},
			{"percent": nil, "copay": 33_34},
			{"percent": nil, "copay": 0},
			{"percent": 101},
			{"percent": -1},
			{"copay": 10_00},
			{"payer": "MEDOR"},
			{"until": "2025-12-31"},
		} {
			refused(t, send(t, w.api, enter(amounts)), 422, "invalid_request")
		}
		for _, amounts := range []map[string]any{{"rate": 80.5}, {"rate": "80"}, {"percent": 0.5}, {"rate": 1e30}} {
			refused(t, send(t, w.api, enter(amounts)), 400, "wrong_type")
		}
		refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/contracts/60054.99999.2026-01-01/remove"}), 404, "not_found")
		for _, who := range []string{director, "nora-patel", "jane-smith"} {
			c := enter(nil)
			c.as = who
			refused(t, send(t, w.api, c), 403, "denied")
			refused(t, send(t, w.api, call{as: who, method: "GET", path: "/settings/contracts"}), 403, "denied")
			refused(t, send(t, w.api, call{as: who, method: "POST", path: "/settings/contracts/" + first.ID + "/remove"}), 403, "denied")
		}
	})
	remove := call{as: admin, method: "POST", path: "/settings/contracts/" + later.ID + "/remove"}
	for range 2 {
		if w.do(t, remove, &later); later.Removed == nil || later.Version != 2 {
			t.Errorf("removed: %+v", later)
		}
	}
	if got := list(); len(got) != 1 || !got[0].Holds || got[0].ID != first.ID {
		t.Errorf("listed: %+v", got)
	}

	w.do(t, call{as: "jane-smith", method: "POST", path: "/patients/jane-smith/coverages", body: map[string]any{"payer": "60054", "member_id": "W1", "relation": "self", "priority": 1}}, nil)
	v := w.draft(t)
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(map[string]any{"payment-route": []string{"insurance"}})}, nil)
	var q shownShare
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/quote"}, &q)
	if q.Basis != "plan_share" || q.Amount != 20_00 || q.Plan.Name != "Cascade" || q.Plan.UpTo != 20_00 || q.Plan.Explained == "" || q.Plan.Estimate == "" ||
		!slices.Equal(q.Plan.Terms, []shownTerm{{"99421", 33_33, 20_00, 0}}) {
		t.Errorf("quoted: %+v", q)
	}
}

type shownShare struct {
	Basis  string
	Amount int64 `json:"amount_cents"`
	Plan   struct {
		Name, Explained, Estimate string
		UpTo                      int64 `json:"up_to_cents"`
		Terms                     []shownTerm
	}
}

type shownTerm struct {
	Code    string
	Allowed int64 `json:"allowed_cents"`
	Share   int64 `json:"share_cents"`
	Percent int   `json:"share_percent"`
}
