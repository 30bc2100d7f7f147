package clinic_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/files"
	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/ledger"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

// A read shows someone content, or decides on it. It returns how many pieces it
// shows.
type read struct {
	name, who string
	show      func(w *world, c clinic.Caller, id string) (pieces int, err error)
}

// pieces counts the content of a chart.
func pieces(ch chart.Chart) int {
	n := len(ch.Answers) + len(ch.Messages) + len(ch.Notes)
	if ch.Diversion != nil {
		n++
	}
	if ch.Contact.Name != "" {
		n++
	}
	return n
}

var (
	readPage = read{"PatientsPage", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		v, err := w.request.Show(w.ctx, c, id)
		n := pieces(v.Chart) + len(v.Money.Payments) + len(v.Money.Entries)
		if v.Answer != nil {
			n++
		}
		return n, err
	}}
	readDesk = read{"DesksPage", ana, func(w *world, c clinic.Caller, id string) (int, error) {
		v, err := w.desk.Show(w.ctx, c, id)
		n := pieces(v.Chart)
		if v.Answer != nil {
			n++
		}
		return n, err
	}}
	readChart = read{"Chart", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		_, ch, err := w.charts.ReadChart(w.ctx, c, id)
		return pieces(ch), err
	}}
	readDocuments = read{"Documents", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		doc, addendum, err := w.charts.ReadDocuments(w.ctx, c, id)
		return len(doc) + len(addendum), err
	}}
	readMoney = read{"Money", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		_, m, err := w.office.Money(w.ctx, c, id)
		return len(m.Payments) + len(m.Entries), err
	}}
	readPayLink = read{"PayLink", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		s, err := w.request.Pay(w.ctx, c, id)
		if f, ok := fault.Public(err); ok && f.Code == "nothing_to_pay" {
			return 1, nil
		}
		return len(s.Page), err
	}}
	readDraft = read{"Draft", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		d, err := w.request.Draft(w.ctx, c, id)
		return len(d.Response.Items), err
	}}
	readQuote = read{"Quote", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		o, err := w.request.Quote(w.ctx, c, id)
		return int(o.Quote.Amount), err
	}}
	readSave = read{"SavePage", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		s, err := w.request.SavePage(w.ctx, c, id, request.Save{Page: request.Answers(intake.Response{})})
		return len(s.Response.Items), err
	}}
	readReply = read{"ReplySentAgain", jane, func(w *world, c clinic.Caller, id string) (int, error) {
		v, _, err := w.request.Reply(w.ctx, c, id, request.Message{Text: lastReply})
		return v.Messages, err
	}}
	readAnswer = read{"Answer", ana, func(w *world, c clinic.Caller, id string) (int, error) {
		v, err := w.desk.Answer(w.ctx, c, id, cystitis)
		return v.Messages, err
	}}
)

const lastReply = "Since Monday, and it burns."

// A stored is one piece of content, where it is stored.
type stored struct {
	kind string
	at   place // of a row; of an object the bucket is empty and sk its key
	// moved is another piece of the same kind, of another visit, and twin one of
	// the same visit, or of another one where a visit has only one.
	moved, twin place
	older       item // the row as it was before its latest change; nil if it never changes
	visit       string
	reads       []read // all that show it or decide on it
}

// objectOf is where a document of a visit lies.
func objectOf(v visit.Visit, hash string) place {
	return place{"", "documents/" + v.Practice + "/" + v.ID + "/" + hash}
}

// content reads what is stored in a place, without its key.
func (w *world) content(at place) item {
	w.Helper()
	if at.pk == "" {
		return item{"s": &types.AttributeValueMemberB{Value: w.object(at, nil)}}
	}
	i := maps.Clone(w.row(at))
	delete(i, "pk")
	delete(i, "sk")
	return i
}

// put replaces what is stored in a place; nil removes it.
func (w *world) put(at place, content item) {
	w.Helper()
	switch {
	case at.pk == "" && content == nil:
		_, err := w.objects().DeleteObject(w.ctx, &s3.DeleteObjectInput{Bucket: aws.String(files.Bucket), Key: &at.sk})
		if err != nil {
			w.Fatalf("object: %v", err)
		}
	case at.pk == "":
		w.object(at, content["s"].(*types.AttributeValueMemberB).Value)
	case content == nil:
		w.deleteRow(at)
	default:
		i := maps.Clone(content)
		maps.Copy(i, at.key())
		w.putRow(i)
	}
}

// documentOf is where a visit's document lies.
func documentOf(v visit.Visit) place { return objectOf(v, v.Document) }

// tampering are the ways to change what is stored so that nothing is forged.
var tampering = []struct {
	name string
	do   func(w *world, s stored) bool // reports false where there is no such thing
}{
	{"Missing", func(w *world, s stored) bool { w.put(s.at, nil); return true }},
	{"Moved", func(w *world, s stored) bool { w.put(s.at, w.content(s.moved)); return true }},
	{"Swapped", func(w *world, s stored) bool {
		one, two := w.content(s.at), w.content(s.twin)
		w.put(s.at, two)
		w.put(s.twin, one)
		return true
	}},
	{"Older", func(w *world, s stored) bool {
		if s.older != nil {
			w.put(s.at, s.older)
		}
		return s.older != nil
	}},
}

// Nothing is shown, and nothing decided, of which a part is missing, moved,
// swapped or older than the visit says. That is an error which is no fault, so
// that nobody is told more than that something went wrong.
func TestContent_BrokenIsNeverShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range w.everyKind() {
		t.Run(s.kind, func(t *testing.T) {
			w.tester = t
			for _, how := range tampering {
				t.Run(how.name, func(t *testing.T) { w.tampered(t, s, how.do) })
			}
		})
	}
}

func (w *world) tampered(t *testing.T, s stored, tamper func(*world, stored) bool) {
	t.Helper()
	at, twin := w.content(s.at), w.content(s.twin)
	if !tamper(w, s) {
		return
	}
	for _, r := range s.reads {
		n, err := r.show(w, w.as(r.who), s.visit)
		if _, public := fault.Public(err); !errors.Is(err, vault.ErrBroken) || public || n != 0 {
			t.Errorf("%s: shown %d pieces, %v", r.name, n, err)
		}
	}
	w.put(s.at, at)
	w.put(s.twin, twin)
	for _, r := range s.reads {
		if r.name == readAnswer.name { // it would end the visit
			continue
		}
		if n, err := r.show(w, w.as(r.who), s.visit); err != nil || n == 0 {
			t.Errorf("%s, put back: shown %d pieces, %v", r.name, n, err)
		}
	}
}

// everyKind makes visits in which there is content of every kind.
func (w *world) everyKind() []stored {
	w.Helper()
	var all []stored
	add := func(reads []read, id string, ss ...stored) {
		for _, s := range ss {
			s.reads, s.visit = reads, id
			all = append(all, s)
		}
	}
	row := func(pk, id, sk string) place { return place{pk + "#" + id, sk} }

	one, two := w.draft(), w.draft()
	saved := w.content(row("CHART", one, "ANSWERS"))
	w.saves(jane, one, said{"uti-onset": 3})
	add([]read{readDraft, readQuote, readSave, readChart, readPage}, one,
		stored{kind: "AnswersOfDraft", at: row("CHART", one, "ANSWERS"), moved: row("CHART", two, "ANSWERS"), twin: row("CHART", two, "ANSWERS"), older: saved})

	asked, other := w.asked(), w.asked()
	before := w.content(row("CHART", asked, "ANSWERS"))
	w.does("reply", func() error {
		_, _, err := w.request.Reply(w.ctx, w.as(jane), asked, request.Message{Text: lastReply, Answers: page(said{"uti-onset": 5})})
		return err
	})
	add([]read{readChart, readDesk, readAnswer}, asked,
		stored{kind: "Answers", at: row("CHART", asked, "ANSWERS"), moved: row("CHART", other, "ANSWERS"), twin: row("CHART", other, "ANSWERS"), older: before},
		stored{kind: "FirstMessage", at: row("CHART", asked, "MSG#0001"), moved: row("CHART", other, "MSG#0001"), twin: row("CHART", asked, "MSG#0002")},
		stored{kind: "AnswersAsMessage", at: row("CHART", asked, "MSG#0001"), moved: row("CHART", asked, "ANSWERS"), twin: row("CHART", asked, "ANSWERS")},
		stored{kind: "LastMessage", at: row("CHART", asked, "MSG#0003"), moved: row("CHART", other, "MSG#0002"), twin: row("CHART", asked, "MSG#0002")},
		stored{kind: "Contact", at: row("PATIENT", jane, "-"), moved: row("PATIENT", tom, "-"), twin: row("PATIENT", rosa, "-")})
	add([]read{readReply, readPage}, asked,
		stored{kind: "MessageRepeated", at: row("CHART", asked, "MSG#0003"), moved: row("CHART", other, "MSG#0002"), twin: row("CHART", asked, "MSG#0001")})

	handed, elsewhere := w.taken(), w.taken()
	w.handsOver(handed, "Please answer her.")
	w.handsOver(elsewhere, "Please answer her, too.")
	w.takesOver(ana, handed, ben, "Ben is ill.")
	add([]read{readDesk}, handed,
		stored{kind: "Note", at: row("CHART", handed, "NOTE#0001"), moved: row("CHART", elsewhere, "NOTE#0001"), twin: row("CHART", handed, "NOTE#0002")})

	stopped, also := w.draft(), w.draft()
	w.saves(jane, stopped, said{"uti-confused": true})
	w.saves(jane, also, said{"uti-retention": true})
	w.confirms(also, intake.Urgent)
	add([]read{readChart, readPage}, stopped,
		stored{kind: "Diversion", at: row("CHART", stopped, "DIVERT"), moved: row("CHART", also, "DIVERT"), twin: row("CHART", also, "DIVERT")})

	paid, first := w.paidByLink(), w.closed()
	v, u := w.visit(paid), w.visit(first)
	add([]read{readDocuments, readPage, readDesk}, paid,
		stored{kind: "Document", at: documentOf(v), moved: documentOf(u), twin: documentOf(u)})
	add([]read{readDocuments}, paid,
		stored{kind: "Addendum", at: objectOf(v, v.Addendum), moved: objectOf(u, u.Addendum), twin: documentOf(v)})

	books := func(id, sk string) place { return row("MONEY", id, sk) }
	failed, link, hold := v.Payments[0], v.Payments[1], u.Payments[0]
	captured := w.content(books(first, "PAY#"+hold))
	w.refund(w.latest(first).payment.Intent, 10_00)
	w.settle()
	w.refund(w.latest(first).payment.Intent, 5_00)
	w.settle()
	owing := w.owing()
	owed := w.visit(owing).Payment
	add([]read{readPayLink, readMoney}, owing,
		stored{kind: "PaymentOwed", at: books(owing, "PAY#"+owed), moved: books(first, "PAY#"+hold), twin: books(paid, "PAY#"+link)},
		stored{kind: "EntryOwed", at: books(owing, "ENTRY#"+owed+"#hold"), moved: books(first, "ENTRY#"+hold+"#hold"), twin: books(owing, "ENTRY#"+owed+"#release")})
	showsMoney := []read{readMoney, readPage}
	add(showsMoney, paid,
		stored{kind: "PaymentFailed", at: books(paid, "PAY#"+failed), moved: books(first, "PAY#"+hold), twin: books(paid, "PAY#"+link)},
		stored{kind: "EntryHold", at: books(paid, "ENTRY#"+failed+"#hold"), moved: books(first, "ENTRY#"+hold+"#hold"), twin: books(paid, "ENTRY#"+failed+"#release")},
		stored{kind: "EntryRelease", at: books(paid, "ENTRY#"+failed+"#release"), moved: books(first, "ENTRY#"+hold+"#capture"), twin: books(paid, "ENTRY#"+link+"#charge")},
		stored{kind: "EntryCharge", at: books(paid, "ENTRY#"+link+"#charge"), moved: books(first, "ENTRY#"+hold+"#capture"), twin: books(paid, "ENTRY#"+failed+"#hold")})
	add(showsMoney, first,
		stored{kind: "Payment", at: books(first, "PAY#"+hold), moved: books(paid, "PAY#"+link), twin: books(paid, "PAY#"+failed), older: captured},
		stored{kind: "EntryCapture", at: books(first, "ENTRY#"+hold+"#capture"), moved: books(paid, "ENTRY#"+failed+"#hold"), twin: books(first, "ENTRY#"+hold+"#hold")},
		stored{kind: "EntryRefund", at: books(first, "ENTRY#"+hold+"#refund-1500"), moved: books(paid, "ENTRY#"+failed+"#release"), twin: books(first, "ENTRY#"+hold+"#refund-1000")})
	return all
}

// asked is a visit with a question and a reply.
func (w *world) asked() string {
	w.Helper()
	id := w.taken()
	w.asks(id, "Since when?")
	w.replies(id, "Since Sunday.")
	return id
}

// closed is a visit that was charged and acknowledged.
func (w *world) closed() string {
	w.Helper()
	id := w.answered()
	w.acknowledges(jane, id)
	return id
}

// owing is an answered visit whose hold could not be captured.
func (w *world) owing() string {
	w.Helper()
	id := w.submitted()
	w.pays(id, stripesim.CardCaptureFails)
	w.settle()
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	return id
}

// paidByLink is a closed visit that owed its fee.
func (w *world) paidByLink() string {
	w.Helper()
	id := w.owing()
	w.does("pay link", func() error { _, err := w.request.Pay(w.ctx, w.as(jane), id); return err })
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.acknowledges(jane, id)
	return id
}

// An entry that was forged so that the books still balance is noticed, because
// the payment says another amount.
func TestMoney_ForgedEntryIsNeverShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	p := w.latest(id).payment
	forged, err := ledger.Refunded(p.ID, p.Practice, 0, 40_00, 0, w.now())
	if err != nil {
		t.Fatal(err)
	}
	seen := audit.Record{ID: "forgery", Practice: p.Practice, At: w.now()}
	if err := w.tape.Commit(w.ctx, clinic.Commit{Entries: []ledger.Entry{forged}, Audit: []audit.Record{seen}}); err != nil {
		t.Fatal(err)
	}
	if _, m, err := w.office.Money(w.ctx, w.as(jane), id); !errors.Is(err, vault.ErrBroken) || len(m.Payments) != 0 {
		t.Errorf("shown %+v, %v", m, err)
	}
}

// Eventually consistent reads may return the version before the latest commit.
// What is shown and decided is of the latest all the same.
func TestRead_StaleStoreShowsTheLatest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tape.lag()
	id := w.draft()
	w.saves(jane, id, said{"uti-onset": 3})
	if d, err := w.request.Draft(w.ctx, w.as(jane), id); err != nil || d.Response.Answers("uti-onset")[0].Text() != "3" {
		t.Errorf("the draft: %v", err)
	}
	w.submits(jane, id, w.prices(jane, id).Quote.ID)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.takes(ana, id)
	w.asks(id, "Since when?")
	w.shows(id, 1, "3 days")
	w.does("reply", func() error {
		_, _, err := w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: lastReply, Answers: page(said{"uti-onset": 5})})
		return err
	})
	w.shows(id, 2, "5 days")
	w.answers(id)
	w.shows(id, 3, "5 days")
	w.settle()
	w.acknowledges(jane, id)
	w.proven(id)
	w.handled()
}

// shows checks that everyone's page of a visit shows so many messages and what
// was answered last about the onset.
func (w *world) shows(id string, messages int, onset string) {
	w.Helper()
	patients, err := w.request.Show(w.ctx, w.as(jane), id)
	desks, err2 := w.desk.Show(w.ctx, w.as(ana), id)
	if err := errors.Join(err, err2); err != nil {
		w.Fatalf("%v", err)
	}
	if diff := cmp.Diff(patients.Chart.Answers, desks.Chart.Answers); diff != "" || len(patients.Chart.Messages) != messages || len(desks.Chart.Messages) != messages {
		w.Errorf("messages: %d and %d, want %d; answers differ:\n%s", len(patients.Chart.Messages), len(desks.Chart.Messages), messages, diff)
	}
	for _, qa := range desks.Chart.Answers {
		if qa.LinkID == "uti-onset" && string(qa.Answers[0]) != onset {
			w.Errorf("the onset is %s, want %s", string(qa.Answers[0]), onset)
		}
	}
}

// A read during a change shows one version of the visit, whole.
func TestRead_WhileTheVisitChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	save := func(days int) func() error {
		c := w.as(jane)
		return func() error {
			_, err := w.request.SavePage(w.ctx, c, id, request.Save{Page: request.Answers(page(said{"uti-onset": days}))})
			return err
		}
	}
	read := func(of func(*world, clinic.Caller, string) (int, error)) func() error {
		c := w.as(jane)
		return func() error { _, err := of(w, c, id); return err }
	}
	for range 5 {
		for _, err := range atOnce(save(2), save(3), save(4), read(readDraft.show), read(readDraft.show), read(readChart.show), read(readPage.show), read(readQuote.show)) {
			if err != nil && !errors.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
	}
	w.pass(time.Second)
	if _, err := w.chart(jane, id); err != nil {
		t.Error(err)
	}
}
