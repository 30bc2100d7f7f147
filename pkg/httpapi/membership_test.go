package httpapi_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/membership"
)

type shownOffer struct {
	Version int
	Sold    bool
	Offer   struct {
		ID       string
		Closed   *time.Time
		Versions []struct {
			Version, Visits int
			Price           int64
			From            time.Time
		}
	}
	Closed []struct{ ID string }
}

// A membership is decided for now and for later, taken back and closed; a closed one is
// followed by another; what is no decision is refused with every problem, and to who may not decide.
func TestMembershipOffer_OverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var o shownOffer
	w.do(t, call{as: admin, method: "GET", path: "/settings/membership"}, &o)
	if !o.Sold || o.Offer.ID != "yearly-1" || len(o.Offer.Versions) != 1 || o.Offer.Versions[0].Price != 350_00 {
		t.Errorf("as planted: %+v", o)
	}
	seen := map[string]string{"If-Match": quoted(o.Version)}
	terms := map[string]any{
		"price": 36000, "members": 1, "visits": 12, "classes": []string{"em"}, "grace_days": 14, "notice_days": 30, "refund": map[string]any{"full_days": 14, "later": "days"},
	}
	decide := func(changes map[string]any) call {
		body := maps.Clone(terms)
		maps.Copy(body, changes)
		return call{as: admin, method: "POST", path: "/settings/membership", body: body}
	}
	c := decide(nil)
	c.header = seen
	w.do(t, c, &o)
	if !o.Sold || len(o.Offer.Versions) != 2 || o.Offer.Versions[1].Price != 360_00 || o.Offer.Versions[1].Visits != 12 {
		t.Errorf("decided: %+v", o)
	}
	version := o.Version
	w.do(t, decide(nil), &o)
	if o.Version != version {
		t.Errorf("the same again is version %d, not %d", o.Version, version)
	}
	c = decide(map[string]any{"price": 1_00, "from": w.now().AddDate(0, 0, 1)})
	c.header = seen
	refused(t, send(t, w.api, c), http.StatusPreconditionFailed, "stale")
	later := w.now().AddDate(0, 1, 0)
	w.do(t, decide(map[string]any{"price": 40000, "from": later}), &o)
	if len(o.Offer.Versions) != 3 || o.Offer.Versions[2].Version != 3 || !o.Offer.Versions[2].From.Equal(later) {
		t.Errorf("decided for later: %+v", o)
	}
	w.do(t, call{as: admin, method: "POST", path: "/settings/membership/withdraw", body: map[string]any{"from": later}}, &o)
	if len(o.Offer.Versions) != 2 {
		t.Errorf("taken back: %+v", o)
	}
	w.do(t, call{as: admin, method: "POST", path: "/settings/membership/close"}, &o)
	if o.Sold || o.Offer.Closed == nil {
		t.Errorf("closed: %+v", o)
	}
	w.do(t, decide(nil), &o)
	if !o.Sold || o.Offer.ID != "yearly-2" || len(o.Closed) != 1 || o.Closed[0].ID != "yearly-1" {
		t.Errorf("another: %+v", o)
	}
	w.nothingWritten(t, func(t *testing.T) {
		p := refused(t, send(t, w.api, decide(map[string]any{"price": -5, "members": 99, "visits": 53, "classes": []string{"gold"}, "forms": []string{"astrology"}, "grace_days": 91, "from": "2020-01-01T00:00:00Z"})), 422, "invalid_request")
		if len(p.Problems) != 7 {
			t.Errorf("%d problems: %+v", len(p.Problems), p.Problems)
		}
		refused(t, send(t, w.api, decide(map[string]any{"price": 350.5})), 400, "wrong_type")
		refused(t, send(t, w.api, decide(map[string]any{"price": 1e18})), 422, "invalid_request")
		refused(t, send(t, w.api, call{as: admin, method: "POST", path: "/settings/membership/withdraw", body: map[string]any{"from": later}}), 404, "not_found")
		for _, who := range []string{director, "nora-patel", "jane-smith"} {
			refused(t, send(t, w.api, call{as: who, method: "GET", path: "/settings/membership"}), 403, "denied")
			c := decide(nil)
			c.as = who
			refused(t, send(t, w.api, c), 403, "denied")
		}
	})
}

type shownMember struct {
	ID, State, Page string
	Terms           int
	Renews          bool
	Can             []string
}

// paid is what becomes of a membership whose first year is paid.
func (w *world) paid(t *testing.T, id string) {
	t.Helper()
	w.stands(t, id, membership.Standing{Status: "active", Year: membership.Year{Start: w.now(), End: w.now().AddDate(1, 0, 0)}, Paid: 350_00})
}

// stands has a membership stand so at Stripe, now.
func (w *world) stands(t *testing.T, id string, s membership.Standing) {
	t.Helper()
	s.At = w.now()
	m, err := w.store.Membership(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	m, err = m.Observe(membership.Observation{
		Account: m.Account, Customer: m.Customer, Subscription: "sub_" + id, Standing: s,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Commit(t.Context(), clinic.Commit{Memberships: []clinic.Membership{{Membership: m}}, Audit: []audit.Record{{
		ID: s.Status + "-" + id, Practice: m.Practice, At: w.now(), Actor: clinic.System("charge"), Action: "membership.active", Patient: m.Payer, Resource: id,
	}}}); err != nil {
		t.Fatal(err)
	}
}

// A member cancels and resumes: twice is once, and what can be done is said. What cannot be is told.
func TestMembership_CancelledOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	act := func(who, what, id string) call {
		return call{as: who, method: "POST", path: "/me/membership/" + what, body: map[string]any{"membership": id}}
	}
	refused(t, send(t, w.api, act("jane-smith", "cancel", "jane-smith.m1")), 409, "not_a_member")
	var m shownMember
	w.do(t, call{as: "jane-smith", method: "POST", path: "/me/membership", body: map[string]any{"offer": "yearly-1", "terms": 1, "medicare": "no"}}, &m)
	for _, what := range []string{"cancel", "resume"} {
		refused(t, send(t, w.api, act("jane-smith", what, m.ID)), 409, "membership_pending")
	}
	w.paid(t, m.ID)
	for _, tc := range []struct {
		act    string
		renews bool
		can    string
	}{{"resume", true, "cancel"}, {"cancel", false, "resume"}, {"cancel", false, "resume"}, {"resume", true, "cancel"}, {"resume", true, "cancel"}} {
		m = shownMember{}
		w.do(t, act("jane-smith", tc.act, "jane-smith.m1"), &m)
		if m.Renews != tc.renews || !slices.Equal(m.Can, []string{tc.can}) || m.State != "active" {
			t.Errorf("%s: %+v", tc.act, m)
		}
	}
	w.nothingWritten(t, func(t *testing.T) {
		refused(t, send(t, w.api, act("jane-smith", "cancel", "jane-smith.m2")), 409, "not_a_member")
		refused(t, send(t, w.api, act("jane-smith", "cancel", "")), 422, "invalid_request")
		refused(t, send(t, w.api, act("ana-rivera", "cancel", m.ID)), 404, "not_found")
		other := act("tom-okafor", "cancel", m.ID)
		other.body = map[string]any{"membership": m.ID, "patient": "jane-smith"}
		refused(t, send(t, w.api, other), 404, "not_found")
	})
}

// A member whose renewal was not paid reads how much is open, and where it is paid; who is paid up reads
// neither.
func TestMembership_RenewalOpenOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type arrears struct {
		ID, Pay string
		Open    int64
	}
	var mine struct{ Mine arrears }
	w.do(t, call{as: "jane-smith", method: "POST", path: "/me/membership", body: map[string]any{"offer": "yearly-1", "terms": 1, "medicare": "no"}}, &mine.Mine)
	read := func(want arrears) {
		t.Helper()
		mine.Mine = arrears{}
		w.do(t, call{as: "jane-smith", method: "GET", path: "/me/membership"}, &mine)
		if mine.Mine != want {
			t.Errorf("reads %+v, want %+v", mine.Mine, want)
		}
	}
	id := mine.Mine.ID
	w.paid(t, id)
	read(arrears{ID: id})
	w.moved.Add(int64(366 * 24 * time.Hour))
	w.stands(t, id, membership.Standing{
		Status: "past_due", Year: membership.Year{Start: w.now(), End: w.now().AddDate(1, 0, 0)}, UnpaidSince: w.now(), PayURL: "https://invoice.stripe.com/i/1", Open: 350_00,
	})
	read(arrears{id, "https://invoice.stripe.com/i/1", 350_00})
}

// A patient reads what is sold, and joins on what they read: twice is once. What is wrong, and who may
// not, is told.
func TestMembership_OverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var shown struct {
		Sold struct {
			Offer string
			Terms int
			Price int64
			Text  []string
		}
		Mine     *shownMember
		Invoices []struct{ Number string }
	}
	w.do(t, call{as: "jane-smith", method: "GET", path: "/me/membership"}, &shown)
	if shown.Sold.Price != 350_00 || len(shown.Sold.Text) < 4 || shown.Mine != nil {
		t.Errorf("what is sold: %+v", shown)
	}
	join := map[string]any{"offer": shown.Sold.Offer, "terms": shown.Sold.Terms, "medicare": "no"}
	var first, second shownMember
	w.do(t, call{as: "jane-smith", method: "POST", path: "/me/membership", body: join}, &first)
	w.do(t, call{as: "jane-smith", method: "POST", path: "/me/membership", body: join}, &second)
	if first.State != "pending" || first.Page == "" || first.Terms != 1 || !cmp.Equal(first, second) {
		t.Errorf("joined: %+v, and again %+v", first, second)
	}
	w.do(t, call{as: "jane-smith", method: "GET", path: "/me/membership"}, &shown)
	if shown.Mine == nil || !cmp.Equal(*shown.Mine, first) {
		t.Errorf("mine: %+v", shown.Mine)
	}
	w.do(t, call{as: "elena-diaz", method: "GET", path: "/me/membership?patient=rosa-diaz"}, &shown)
	w.nothingWritten(t, func(t *testing.T) {
		for _, tc := range []struct {
			who    string
			body   any
			status int
			code   string
		}{
			{"tom-okafor", with(join, "medicare", "yes"), 409, "medicare_member"},
			{"tom-okafor", with(join, "medicare", ""), 422, "invalid_request"},
			{"tom-okafor", with(join, "terms", 7), 409, "terms_changed"},
			{"hana-kim", join, 409, "membership_not_sold"},
			{"tom-okafor", with(join, "patient", "jane-smith"), 404, "not_found"},
			{"elena-diaz", join, 422, "no_patient"},
			{"tom-okafor", with(join, "price", 1), 400, "unknown_field"},
		} {
			refused(t, send(t, w.api, call{as: tc.who, method: "POST", path: "/me/membership", body: tc.body}), tc.status, tc.code)
		}
	})
}
