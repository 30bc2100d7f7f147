package mailbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/mailbox"
	"evisit/pkg/fault"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// A world is a mailbox served on a free port, a clock that the test moves, an SES
// client, and the events published so far.
type world struct {
	*mailbox.Mailbox
	url     string
	ses     *sesv2.Client
	advance func(time.Duration)

	mu    sync.Mutex
	heard []mailbox.Event
}

func setup(t *testing.T, path string) *world {
	t.Helper()
	var moved atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(moved.Load())) }
	m, err := mailbox.Open(t.Context(), path, now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Mailbox: m, advance: func(d time.Duration) { moved.Add(int64(d)) }}
	srv := httptest.NewServer(m.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	w.url = srv.URL
	w.ses = sesv2.New(sesv2.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(srv.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		Retryer:      aws.NopRetryer{},
	})
	m.OnEvent(func(_ context.Context, e mailbox.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.heard = append(w.heard, e)
	})
	return w
}

func message(to ...string) *sesv2.SendEmailInput {
	return &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("Evisit <no-reply@evisit.example>"),
		Destination:      &types.Destination{ToAddresses: to},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: aws.String("Your visit has an answer"), Charset: aws.String("UTF-8")},
			Body:    &types.Body{Text: &types.Content{Data: aws.String("See <it> at https://evisit.example/visits/1?a=b&c=d.\nBye")}},
		}},
		EmailTags: []types.MessageTag{{Name: aws.String("event"), Value: aws.String("ev-1")}},
	}
}

func (w *world) send(t *testing.T, in *sesv2.SendEmailInput) string {
	t.Helper()
	out, err := w.ses.SendEmail(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.MessageId) == "" {
		t.Fatal("no message id")
	}
	return *out.MessageId
}

// poll waits until done, because the reply to a sender comes before the events are
// published.
func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// events waits until n events are published, and returns them. More events are a
// failure.
func (w *world) events(t *testing.T, n int) []mailbox.Event {
	t.Helper()
	var heard []mailbox.Event
	poll(t, "events", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		heard = slices.Clone(w.heard)
		return len(heard) >= n
	})
	if len(heard) != n {
		t.Fatalf("heard %d events, want %d: %+v", len(heard), n, heard)
	}
	return heard
}

func (w *world) publishDue(t *testing.T) {
	t.Helper()
	if err := w.PublishDue(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) get(t *testing.T, path, accept string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (w *world) mails(t *testing.T, query string) []mailbox.Mail {
	t.Helper()
	code, body := w.get(t, "/dev/mail.json"+query, "")
	if code != http.StatusOK {
		t.Fatalf("status is %d: %s", code, body)
	}
	var got struct {
		Mails []mailbox.Mail `json:"mails"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	return got.Mails
}

// wantDeliveries waits until the only mail has the given deliveries.
func (w *world) wantDeliveries(t *testing.T, want ...mailbox.Delivery) {
	t.Helper()
	poll(t, "outcomes", func() bool {
		mails := w.mails(t, "")
		return len(mails) == 1 && cmp.Equal(want, mails[0].Deliveries)
	})
}

// By default a mail is delivered at once, and its event published once.
func TestSend_Delivered(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	id := w.send(t, message("Ana <Ana@Patients.example>"))
	got := w.events(t, 1)
	want := []mailbox.Event{{
		EventType: "Delivery",
		Mail: mailbox.EventMail{
			Timestamp: start, Source: "Evisit <no-reply@evisit.example>", MessageID: id,
			Destination: []string{"Ana <Ana@Patients.example>"}, Tags: map[string][]string{"event": {"ev-1"}},
		},
		Delivery: &mailbox.DeliveryEvent{Timestamp: start, Recipients: []string{"ana@patients.example"}, SMTPResponse: "250 2.0.0 OK"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events differ (-want +got):\n%s", d)
	}
	w.publishDue(t)
	w.events(t, 1)
}

// Each behaviour publishes its events at their times, and not before.
func TestBehave_Outcomes(t *testing.T) {
	t.Parallel()
	type published struct {
		Type string
		At   time.Time
	}
	const address = "ana@patients.example"
	for name, tc := range map[string]struct {
		behave   mailbox.Behaviour
		delay    time.Duration
		at, late []published
		outcome  string
	}{
		"deliver later": {
			mailbox.Deliver, time.Hour,
			nil,
			[]published{{"Delivery", start.Add(time.Hour)}},
			"delivered",
		},
		"bounce at once": {
			mailbox.Bounce, 0,
			[]published{{"Bounce", start}},
			nil, "bounced",
		},
		"bounce later": {
			mailbox.Bounce, time.Hour,
			nil,
			[]published{{"Bounce", start.Add(time.Hour)}},
			"bounced",
		},
		"delay": {
			mailbox.Delay, 10 * time.Minute,
			[]published{{"DeliveryDelay", start}},
			[]published{{"Delivery", start.Add(10 * time.Minute)}},
			"delivered",
		},
		"complain": {
			mailbox.Complain, time.Hour,
			[]published{{"Delivery", start}},
			[]published{{"Complaint", start.Add(time.Hour)}},
			"complained",
		},
		"complain at once": {
			mailbox.Complain, 0,
			[]published{{"Delivery", start}, {"Complaint", start}},
			nil, "complained",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, "")
			if err := w.Behave(t.Context(), "ANA@patients.example", tc.behave, tc.delay); err != nil {
				t.Fatal(err)
			}
			w.send(t, message(address))
			check := func(want []published) {
				t.Helper()
				var got []published
				for _, e := range w.events(t, len(want)) {
					got = append(got, published{e.EventType, timeOf(t, e, address)})
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("events differ (-want +got):\n%s", d)
				}
			}
			check(tc.at)
			if tc.delay > 0 {
				w.advance(tc.delay - time.Second)
				w.publishDue(t)
				check(tc.at)
				w.advance(30 * time.Hour)
				w.publishDue(t)
				check(slices.Concat(tc.at, tc.late))
			}
			all := slices.Concat(tc.at, tc.late)
			w.wantDeliveries(t, mailbox.Delivery{Address: address, Outcome: tc.outcome, At: all[len(all)-1].At})
		})
	}
}

// timeOf returns the time of an event, and checks that the event is of address and has
// only the field that its type names.
func timeOf(t *testing.T, e mailbox.Event, address string) time.Time {
	t.Helper()
	var when time.Time
	var whom []string
	parts := 0
	if p := e.Delivery; p != nil && e.EventType == "Delivery" {
		parts, when, whom = parts+1, p.Timestamp, p.Recipients
	}
	if p := e.Bounce; p != nil && e.EventType == "Bounce" {
		parts, when, whom = parts+1, p.Timestamp, []string{p.BouncedRecipients[0].EmailAddress}
		if p.BounceType != "Permanent" || p.FeedbackID == "" {
			t.Errorf("bounce is %+v", p)
		}
	}
	if p := e.Complaint; p != nil && e.EventType == "Complaint" {
		parts, when, whom = parts+1, p.Timestamp, []string{p.ComplainedRecipients[0].EmailAddress}
	}
	if p := e.DeliveryDelay; p != nil && e.EventType == "DeliveryDelay" {
		parts, when, whom = parts+1, p.Timestamp, []string{p.DelayedRecipients[0].EmailAddress}
	}
	if parts != 1 || !slices.Equal(whom, []string{address}) {
		t.Errorf("event %+v is not a %s of %s alone", e, e.EventType, address)
	}
	return when
}

// A behaviour applies to mail accepted after it was set, and not to earlier mail.
func TestBehave_LaterMailOnly(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	const address = "ana@patients.example"
	for _, b := range []mailbox.Behaviour{mailbox.Bounce, mailbox.Deliver} {
		if err := w.Behave(t.Context(), address, b, 0); err != nil {
			t.Fatal(err)
		}
		w.send(t, message(address))
	}
	got := w.events(t, 2)
	if got[0].EventType != "Bounce" || got[1].EventType != "Delivery" {
		t.Errorf("events are %s and %s, want Bounce and Delivery", got[0].EventType, got[1].EventType)
	}
}

// Each recipient, copies included, has an outcome of its own.
func TestBehave_EachRecipient(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	if err := w.Behave(t.Context(), "bo@patients.example", mailbox.Bounce, 0); err != nil {
		t.Fatal(err)
	}
	in := message("ana@patients.example")
	in.Destination.CcAddresses = []string{"bo@patients.example"}
	in.Destination.BccAddresses = []string{"cy@patients.example"}
	w.send(t, in)
	w.events(t, 3)
	w.wantDeliveries(t,
		mailbox.Delivery{Address: "ana@patients.example", Outcome: "delivered", At: start},
		mailbox.Delivery{Address: "bo@patients.example", Outcome: "bounced", At: start},
		mailbox.Delivery{Address: "cy@patients.example", Outcome: "delivered", At: start})
}

// After a restart, mail, pending events and behaviours are as before.
func TestOpen_MailSurvivesRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mail #1.db")
	before := setup(t, path)
	if err := before.Behave(t.Context(), "bo@patients.example", mailbox.Delay, time.Hour); err != nil {
		t.Fatal(err)
	}
	id := before.send(t, message("bo@patients.example"))
	before.wantDeliveries(t, mailbox.Delivery{Address: "bo@patients.example", Outcome: "delayed", At: start})

	after := setup(t, path) // the first mailbox is not closed, as a killed process closes nothing
	after.publishDue(t)
	mails := after.mails(t, "")
	if len(mails) != 1 || mails[0].ID != id || mails[0].Deliveries[0].Outcome != "delayed" {
		t.Fatalf("mails are %+v, want %s delayed", mails, id)
	}
	after.advance(time.Hour)
	after.publishDue(t)
	if got := after.events(t, 1); got[0].EventType != "Delivery" || got[0].Mail.MessageID != id {
		t.Errorf("events are %+v, want the delivery of %s", got, id)
	}
	after.send(t, message("bo@patients.example"))
	if got := after.events(t, 2); got[1].EventType != "DeliveryDelay" {
		t.Errorf("the behaviour was forgotten: %s", got[1].EventType)
	}
}

// An event is published again if the process ended before it was recorded.
func TestPublishDue_NotRecorded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mail.db")
	first := setup(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	if err := first.Behave(t.Context(), "bo@patients.example", mailbox.Delay, time.Minute); err != nil {
		t.Fatal(err)
	}
	first.send(t, message("bo@patients.example"))
	first.wantDeliveries(t, mailbox.Delivery{Address: "bo@patients.example", Outcome: "delayed", At: start})
	first.OnEvent(func(context.Context, mailbox.Event) { cancel() }) // ends PublishDue between the listener and the record
	first.advance(time.Minute)
	if err := first.PublishDue(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v, want %v", err, context.Canceled)
	}
	second := setup(t, path)
	second.advance(time.Minute)
	second.publishDue(t)
	if got := second.events(t, 1); got[0].EventType != "Delivery" {
		t.Errorf("a %s is published again, want the Delivery", got[0].EventType)
	}
}

// Concurrent calls publish each event once.
func TestPublishDue_Concurrent(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	if err := w.Behave(t.Context(), "bo@patients.example", mailbox.Deliver, time.Minute); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		w.send(t, message("bo@patients.example"))
	}
	w.advance(time.Minute)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { w.publishDue(t) })
	}
	wg.Wait()
	w.events(t, 20)
}

func TestOnEvent_ListenerMaySendMail(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	var once sync.Once
	failed := make(chan error, 1)
	w.OnEvent(func(ctx context.Context, _ mailbox.Event) {
		once.Do(func() {
			_, err := w.ses.SendEmail(ctx, message("cy@patients.example"))
			failed <- err
		})
	})
	if _, err := w.ses.SendEmail(t.Context(), message("bo@patients.example")); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	w.events(t, 2)
}

func TestSend_Refuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sesv2.SendEmailInput){
		"no recipient": func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = nil },
		"51 recipients": func(in *sesv2.SendEmailInput) {
			in.Destination.ToAddresses = slices.Repeat([]string{"a@b.example"}, 51)
		},
		"no address":             func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = []string{"ana"} },
		"no sender":              func(in *sesv2.SendEmailInput) { in.FromEmailAddress = nil },
		"a mail without subject": func(in *sesv2.SendEmailInput) { in.Content.Simple.Subject.Data = aws.String("") },
		"a mail without body":    func(in *sesv2.SendEmailInput) { in.Content.Simple.Body = &types.Body{} },
		"a tag with a space":     func(in *sesv2.SendEmailInput) { in.EmailTags[0].Value = aws.String("ev 1") },
		"a tag with no name":     func(in *sesv2.SendEmailInput) { in.EmailTags[0].Name = aws.String("") },
		"a raw mail": func(in *sesv2.SendEmailInput) {
			in.Content = &types.EmailContent{Raw: &types.RawMessage{Data: []byte("Subject: x\r\n\r\nx")}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, "")
			in := message("ana@patients.example")
			change(in)
			_, err := w.ses.SendEmail(t.Context(), in)
			if _, ok := errors.AsType[*types.BadRequestException](err); !ok {
				t.Errorf("error is %v, want a BadRequestException", err)
			}
			if n := len(w.mails(t, "")); n != 0 {
				t.Errorf("%d mails were kept", n)
			}
		})
	}
}

func TestPages_FilterByRecipient(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	first := w.send(t, message("Ana <Ana@patients.example>"))
	w.send(t, message("bo@patients.example"))
	last := w.send(t, message("bo@patients.example", "ana@patients.example"))
	for query, want := range map[string][]string{
		"?to=ana@patients.example": {last, first},
		"?to=ANA@Patients.example": {last, first},
		"?to=nobody@x.example":     nil,
		"?to=patients.example":     nil,
	} {
		var got []string
		for _, m := range w.mails(t, query) {
			got = append(got, m.ID)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
	if n := len(w.mails(t, "")); n != 3 {
		t.Errorf("%d mails without a filter, want 3", n)
	}
}

func TestPages_ListAndMail(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	in := message("ana@patients.example")
	in.Content.Simple.Body.Html = &types.Content{Data: aws.String(`<p onclick="x()">"Hi"</p>`)}
	id := w.send(t, in)

	const html = "text/html,application/xhtml+xml"
	for name, tc := range map[string]struct {
		path, accept string
		code         int
		has          []string
	}{
		"the list":           {"/dev/mail", html, 200, []string{"Your visit has an answer", "/dev/mail/" + id, "delivered", "<!doctype html>"}},
		"the filtered list":  {"/dev/mail?to=x@y.example", html, 200, []string{"Mail to x@y.example", "Nothing yet."}},
		"the list as JSON":   {"/dev/mail", "application/json", 200, []string{`{"mails":[{"id":"` + id}},
		"the empty JSON":     {"/dev/mail.json?to=x@y.example", "", 200, []string{`{"mails":[]}`}},
		"one mail":           {"/dev/mail/" + id, html, 200, []string{"See &lt;it&gt;", `<a href="https://evisit.example/visits/1?a=b&amp;c=d">`, "</a>.\nBye", "ev-1", `sandbox="allow-popups"`}},
		"one mail as JSON":   {"/dev/mail/" + id, "application/json", 200, []string{`"subject":"Your visit has an answer"`}},
		"an unknown mail":    {"/dev/mail/nothing", html, 404, []string{"There is no such mail."}},
		"an unknown as JSON": {"/dev/mail/nothing", "application/json", 404, []string{`{"error":"There is no such mail."}`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, body := w.get(t, tc.path, tc.accept)
			if code != tc.code {
				t.Fatalf("status is %d, want %d: %s", code, tc.code, body)
			}
			for _, want := range tc.has {
				if !strings.Contains(body, want) {
					t.Errorf("%q is not in %s", want, body)
				}
			}
			if strings.Contains(body, "<script") || strings.Contains(body, `<p onclick`) {
				t.Error("the page runs a script of the mail")
			}
		})
	}
}

func TestBehave_OverHTTP(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, tc := range map[string]struct {
		kind, body, origin string
		code               int
	}{
		"JSON":                        {"application/json", `{"address":"bo@patients.example","behave":"bounce"}`, "", 200},
		"JSON with a delay":           {"application/json", `{"address":"Bo <BO@patients.example>","behave":"bounce","delay":"1m"}`, "", 200},
		"JSON that curl calls a form": {form, `{"address":"bo@patients.example","behave":"bounce"}`, "", 200},
		"the page's form":             {form, "address=bo%40patients.example&behave=bounce&delay=", "", 303},
		"an unknown behaviour":        {"application/json", `{"address":"bo@patients.example","behave":"explode"}`, "", 422},
		"a delay of nothing":          {"application/json", `{"address":"bo@patients.example","behave":"delay"}`, "", 422},
		"a negative delay":            {"application/json", `{"address":"bo@patients.example","behave":"bounce","delay":"-1m"}`, "", 422},
		"a delay over 9600h":          {"application/json", `{"address":"bo@patients.example","behave":"bounce","delay":"99999h"}`, "", 422},
		"a delay without a unit":      {"application/json", `{"address":"bo@patients.example","behave":"bounce","delay":"10"}`, "", 422},
		"no address":                  {"application/json", `{"behave":"bounce"}`, "", 422},
		"an unknown field":            {"application/json", `{"address":"bo@patients.example","behave":"bounce","x":1}`, "", 400},
		"half a body":                 {"application/json", `{"address":`, "", 400},
		"nothing":                     {"", "", "", 400},
		"another origin":              {form, "address=bo%40patients.example&behave=bounce", "https://elsewhere.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, "")
			r := httptest.NewRequest(http.MethodPost, "/dev/mail/behaviour", strings.NewReader(tc.body))
			r.Header.Set("Content-Type", tc.kind)
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
			}
			rec := httptest.NewRecorder()
			w.Handler().ServeHTTP(rec, r)
			if rec.Code != tc.code {
				t.Fatalf("status is %d, want %d: %s", rec.Code, tc.code, rec.Body)
			}
			w.send(t, message("bo@patients.example"))
			w.advance(time.Hour)
			w.publishDue(t)
			want := "Bounce"
			if tc.code >= 400 {
				want = "Delivery"
			}
			if got := w.events(t, 1)[0].EventType; got != want {
				t.Errorf("the next mail's event is %s, want %s", got, want)
			}
		})
	}
}

func TestBehave_RefusesNoAddress(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	if err := w.Behave(t.Context(), "nobody", mailbox.Bounce, 0); !errors.Is(err, fault.Invalid) {
		t.Errorf("error is %v, want %v", err, fault.Invalid)
	}
}

func TestOpen_AbsentFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "absent", "mail.db")
	if m, err := mailbox.Open(t.Context(), path, time.Now, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("Open succeeded", m.Close())
	}
}

// An event has the JSON names of SES, and no content of the mail.
func TestEvent_JSONOfSES(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	if err := w.Behave(t.Context(), "bo@patients.example", mailbox.Bounce, 0); err != nil {
		t.Fatal(err)
	}
	id := w.send(t, message("bo@patients.example"))
	b, err := json.Marshal(w.events(t, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		EventType string `json:"eventType"`
		Mail      struct {
			MessageID string     `json:"messageId"`
			Tags      url.Values `json:"tags"`
		} `json:"mail"`
		Bounce struct {
			BouncedRecipients []struct {
				EmailAddress string `json:"emailAddress"`
				Status       string `json:"status"`
			} `json:"bouncedRecipients"`
		} `json:"bounce"`
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.EventType != "Bounce" || got.Mail.MessageID != id || got.Mail.Tags.Get("event") != "ev-1" ||
		len(got.Bounce.BouncedRecipients) != 1 || got.Bounce.BouncedRecipients[0].Status != "5.1.1" {
		t.Errorf("event is %s", b)
	}
	if strings.Contains(string(b), "answer") {
		t.Error("the event has content of the mail")
	}
}
