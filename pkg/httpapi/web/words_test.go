package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/intake"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

func TestNextSteps_EveryStatusInWords(t *testing.T) {
	t.Parallel()
	for _, s := range []visit.Status{
		visit.Draft, visit.AwaitingPayment, visit.Queued, visit.InReview, visit.AwaitingPatient, visit.Answered,
		visit.Closed, visit.Diverted, visit.Cancelled, visit.Declined, visit.Redirected, visit.Expired,
	} {
		var view visitView
		view.setNextSteps(false, false, visit.Visit{Status: s, Holder: visit.Holder{Display: "Dr. X"}}, billing.NeverCharged, practice.Practice{Core: practice.Core{Zone: "America/Chicago"}}, time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
		said := record.StatusWords(s) + " " + strings.Join(view.Next, " ")
		if len(view.Next) == 0 || strings.Contains(said, "_") || record.StatusWords(s) == string(s) {
			t.Errorf("%s is told as %q", s, said)
		}
		ended := s == visit.Diverted || s == visit.Cancelled || s == visit.Declined || s == visit.Redirected || s == visit.Expired
		if ended && !strings.Contains(said, "charged") {
			t.Errorf("%s ends without saying that nothing is charged: %q", s, said)
		}
	}
}

// A request that ended without an answer is never said to be free of charge where a
// card was charged.
func TestNextSteps_ChargedWithoutAnswer(t *testing.T) {
	t.Parallel()
	for _, s := range []visit.Status{visit.Diverted, visit.Cancelled, visit.Declined, visit.Redirected, visit.Expired} {
		for fate, want := range map[billing.Fate]string{
			billing.Refunding: "is being refunded", billing.Returned: "was refunded", billing.Stranded: "did not go through",
			billing.Contested: "your bank decides", billing.TakenBack: "your bank took the charge back",
		} {
			var view visitView
			view.setNextSteps(false, false, visit.Visit{Status: s}, fate, practice.Practice{}, time.Time{})
			said := strings.Join(view.Next, " ")
			if !strings.Contains(said, want) || !strings.Contains(said, "charged for it") || strings.Contains(said, "Nothing is charged") || strings.Contains(said, "not been charged") {
				t.Errorf("%s, %s is told as %q", s, fate, said)
			}
		}
	}
}

// Each kind of work has words of its own.
func TestTaskWords_EveryKind(t *testing.T) {
	t.Parallel()
	for _, k := range work.Kinds {
		if taskWords[k] == "" {
			t.Errorf("%s has no words", k)
		}
	}
}

func TestPaymentWords_EveryState(t *testing.T) {
	t.Parallel()
	for state, want := range map[billing.State]string{
		billing.Opened:        "$40.00 to be paid; nothing is held or charged yet",
		billing.Held:          "$40.00 held on your card; not charged",
		billing.Captured:      "$38.00 charged, $12.00 of it refunded",
		billing.FullyRefunded: "$12.00 refunded",
		billing.Disputed:      "$38.00 charged, and contested with your bank",
		billing.ChargedBack:   "$38.00 charged, $12.00 of it refunded, and taken back by your bank",
		billing.Abandoned:     "The payment page was left; nothing was charged",
		billing.Released:      "The hold on your card was released; nothing was charged",
		billing.Lapsed:        "The hold on your card expired; nothing was charged",
		billing.Failed:        "You could not be charged $40.00",
		billing.Processing:    "$40.00 asked of your bank, which takes some days",
	} {
		p := billing.Payment{State: state, Amount: 4000, Held: 4000, Collected: 3800, Refunded: 1200}
		if got := paymentWords(p); got != want {
			t.Errorf("%s is told as %q, want %q", state, got, want)
		}
	}
}

// What became of a dispute is told with the charge that it left.
func TestPaymentWords_Disputes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status    string
		withdrawn money.Cents
		want      string
	}{
		{"warning_needs_response", 0, "$38.00 charged; your bank has asked us about it"},
		{"warning_closed", 0, "$38.00 charged"},
		{"won", 0, "$38.00 charged; it was disputed, and your bank decided that it stands"},
		{"lost", 1000, "$38.00 charged, $10.00 of it taken back by your bank"},
	} {
		p := billing.Payment{State: billing.Captured, Collected: 3800, Withdrawn: test.withdrawn, Dispute: billing.Dispute{ID: "dp_1", Status: test.status}}
		if got := paymentWords(p); got != test.want {
			t.Errorf("%s is told as %q, want %q", test.status, got, test.want)
		}
	}
}

func TestLasting_AsPeopleSayIt(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		30 * time.Minute: "30 minutes", 90 * time.Minute: "90 minutes", time.Hour: "1 hour",
		24 * time.Hour: "24 hours", 48 * time.Hour: "48 hours", 72 * time.Hour: "3 days", 73 * time.Hour: "73 hours",
	} {
		if got := lasting(d); got != want {
			t.Errorf("%s is said as %q, want %q", d, got, want)
		}
	}
}

func TestSentence_OfAFault(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"": "", "write less": "Write less.", "Stop!": "Stop!", " über ": "Über.", "x?": "X?",
	} {
		if got := sentence(s); got != want {
			t.Errorf("sentence(%q) = %q, want %q", s, got, want)
		}
	}
}

// Someone at a form sees options and boxes, not the words of the API.
func TestComplaints_SayNoTypesAndCodes(t *testing.T) {
	t.Parallel()
	for _, form := range allForms(t) {
		values := url.Values{}
		eachItem(form.Items(), func(it *intake.Item) {
			values.Set(rowsField+it.LinkID, "1")
			values.Set(it.LinkID, "\x01x")
			values.Set(it.LinkID+"@1", "\x01x")
		})
		r := post{values, time.UTC}.answers(form.Items())
		fields := drawing{form: form, zone: time.UTC, problems: form.Check(r).Problems}.page(form.Items(), r, form.Check(r))
		all := complaints(fields)
		if len(all) < 10 {
			t.Errorf("%s: nonsense everywhere gives %d complaints only", form.Name(), len(all))
		}
		for _, c := range all {
			if apiWords.MatchString(c.Text) {
				t.Errorf("%s: %s: %q", form.Name(), c.Label, c.Text)
			}
		}
	}
}

var apiWords = regexp.MustCompile(`value[A-Z]|linkId|, as |T08:30`)

func eachItem(items []*intake.Item, f func(*intake.Item)) {
	for _, it := range items {
		f(it)
		eachItem(it.Items, f)
	}
}

func TestDial_AsATelephoneTakesIt(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"503 555 0177": "5035550177", "+1 (503) 555-0177": "+15035550177", "503.555.0177 x12": "5035550177;ext=12",
		"503 555 0177 Ext. 12": "5035550177;ext=12", "": "", "none": "",
	} {
		if got := dial(number); got != want {
			t.Errorf("%q is dialled as %q, want %q", number, got, want)
		}
	}
}

func TestBornWords_UnknownDay(t *testing.T) {
	t.Parallel()
	if got := bornWords(time.Time{}); got != "on a day that is not known" {
		t.Errorf("nobody knows the day, and it is %q", got)
	}
	if got := bornWords(time.Date(1990, 4, 12, 0, 0, 0, 0, time.UTC)); got != "12 April 1990" {
		t.Errorf("born %q", got)
	}
}
