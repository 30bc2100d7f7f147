package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// The methods below implement clinic.Store and the reads of the rooms, where their
// contracts are.

// Load reads all of it in one BatchGetItem.
func (s *Store) Load(ctx context.Context, q clinic.Query) (clinic.Rows, error) {
	var out clinic.Rows
	if len(q.Visit) > longestKey/2 {
		return out, missing("visit of that id")
	}
	wanted := []key{visitKey(q.Visit)}
	if q.Answers {
		wanted = append(wanted, chartKey(q.Visit, answers))
	}
	if q.Person != "" {
		wanted = append(wanted, personKey(q.Person))
	}
	kept := keptKey(q.Kept.Holder, q.Kept.ID)
	if q.Kept.ID != "" {
		wanted = append(wanted, kept)
	}
	items, err := s.fetch(ctx, wanted, freshness(q.Latest), "visit "+q.Visit)
	if err != nil {
		return out, err
	}
	for _, i := range items {
		switch text(i, "pk") {
		case wanted[0].pk:
			out.Visit, err = readVisit(i)
		case chartKey(q.Visit, answers).pk:
			out.Answers = sealed(i)
		case kept.pk:
			out.Kept, err = readKept(i, q.Kept.Holder)
		default:
			out.Person, err = readPerson(i)
		}
		if err != nil {
			return clinic.Rows{}, err
		}
	}
	return out, nil
}

func (s *Store) Token(ctx context.Context, p clinic.Proof) (clinic.Token, error) {
	t := clinic.Token{Proof: p}
	i, err := s.get(ctx, tokenKey(p), recent, "holder of the token")
	if err != nil {
		return t, err
	}
	t.Version = count(i, "v")
	return t, unpack(i, "holder of a token", &t.Memberships)
}

func (s *Store) Person(ctx context.Context, id string) (identity.Person, error) {
	i, err := s.get(ctx, personKey(id), recent, "person "+id)
	if err != nil {
		return identity.Person{}, err
	}
	return readPerson(i)
}

func readPerson(i item) (identity.Person, error) {
	var p identity.Person
	err := unpack(i, "person", &p)
	p.Version = count(i, "v")
	return p, err
}

func (s *Store) Grant(ctx context.Context, patient, person string) (identity.Grant, error) {
	i, err := s.get(ctx, grantKey(patient, person), recent, "grant for patient "+patient)
	if err != nil {
		return identity.Grant{}, err
	}
	return readGrant(i)
}

func readGrant(i item) (identity.Grant, error) {
	var g identity.Grant
	err := unpack(i, "grant", &g)
	g.Version = count(i, "v")
	return g, err
}

func (s *Store) Grants(ctx context.Context, person string) ([]identity.Grant, error) {
	gs, _, err := readListing(ctx, s, inList(grantsName(person)), "", 0, "grants", readGrant)
	return gs, err
}

func (s *Store) GrantsOf(ctx context.Context, patient string) ([]identity.Grant, error) {
	if len(patient) > longestKey/2 {
		return nil, missing("patient of that id")
	}
	return readAll(ctx, s, beginning(grantKey(patient, "")), "grants of patient "+patient, readGrant)
}

// beginning is the query, as of the latest commit, of the rows of a partition whose sort
// keys begin as first's does.
func beginning(first key) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		ConsistentRead: aws.Bool(bool(latest)), KeyConditionExpression: aws.String("pk = :p AND begins_with(sk, :s)"),
		ExpressionAttributeValues: item{":p": str(first.pk), ":s": str(first.sk)},
	}
}

// readAll reads every row of a query.
func readAll[T any](ctx context.Context, s *Store, in *dynamodb.QueryInput, what string, read func(item) (T, error)) ([]T, error) {
	rows, err := s.query(ctx, in, 0, what)
	if err != nil {
		return nil, err
	}
	var all []T
	for _, i := range rows {
		if err := checkFormat(i, what); err != nil {
			return nil, err
		}
		one, err := read(i)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (s *Store) Coverages(ctx context.Context, patient string) ([]clinic.Coverage, error) {
	if len(patient) > longestKey/2 {
		return nil, missing("patient of that id")
	}
	return readAll(ctx, s, beginning(coverageKey(patient, "")), "coverages of patient "+patient, readCoverage)
}

func readCoverage(i item) (clinic.Coverage, error) {
	c := clinic.Coverage{Sealed: sealed(i)}
	err := unpack(i, "coverage", &c.Coverage)
	c.Patient, c.ID = strings.TrimPrefix(text(i, "pk"), patientKey("").pk), strings.TrimPrefix(text(i, "sk"), coverageKey("", "").sk)
	c.Version = count(i, "v")
	return c, err
}

func (s *Store) Payers(ctx context.Context) ([]coverage.Payer, error) {
	return readAll(ctx, s, beginning(payerKey("")), "payers", readPayer)
}

func readPayer(i item) (coverage.Payer, error) {
	var p coverage.Payer
	err := unpack(i, "payer", &p)
	p.ID, p.Version = strings.TrimPrefix(text(i, "sk"), payerKey("").sk), count(i, "v")
	return p, err
}

func (s *Store) Payer(ctx context.Context, id string) (coverage.Payer, error) {
	i, err := s.get(ctx, payerKey(id), latest, "payer "+id)
	if err != nil {
		return coverage.Payer{}, err
	}
	return readPayer(i)
}

func (s *Store) Contracts(ctx context.Context, practice string) ([]billing.Contract, error) {
	return readAll(ctx, s, beginning(practiceKey(practice, contractPart(""))), "contracts of practice "+practice, readContract)
}

func readContract(i item) (billing.Contract, error) {
	var c billing.Contract
	err := unpack(i, "contract", &c)
	c.Practice, c.Version = strings.TrimPrefix(text(i, "pk"), practiceKey("", "").pk), count(i, "v")
	of := strings.Split(strings.TrimPrefix(text(i, "sk"), contractPart("")), "#")
	if len(of) != 3 {
		return c, fmt.Errorf("store: contract %q: %w", text(i, "sk"), clinic.ErrUnreadable)
	}
	c.Payer, c.Code = of[0], of[1]
	var unread error
	if c.From, unread = civil.Parse(of[2]); unread != nil {
		err = errors.Join(err, clinic.ErrUnreadable, unread)
	}
	return c, err
}

func (s *Store) Patient(ctx context.Context, id string) (clinic.Patient, error) {
	return s.patient(ctx, id, recent)
}

func (s *Store) LatestPatient(ctx context.Context, id string) (clinic.Patient, error) {
	return s.patient(ctx, id, latest)
}

func (s *Store) patient(ctx context.Context, id string, how freshness) (clinic.Patient, error) {
	i, err := s.get(ctx, patientKey(id), how, "patient "+id)
	if err != nil {
		return clinic.Patient{Patient: identity.Patient{ID: id}}, err
	}
	return readPatient(i)
}

func readPatient(i item) (clinic.Patient, error) {
	p := clinic.Patient{Sealed: sealed(i)}
	if _, packed := i["d"]; packed {
		if err := unpack(i, "patient", &p.Patient); err != nil {
			return p, err
		}
	} else { // written before a practice could say how a patient stands
		p.Practice = text(i, "practice")
		if err := checkFormat(i, "patient"); err != nil {
			return p, err
		}
	}
	p.ID, p.Version = strings.TrimPrefix(text(i, "pk"), patientKey("").pk), count(i, "v") // whatever a row put there says
	return p, nil
}

// Patients lists a practice's patients, the newest first.
func (s *Store) Patients(ctx context.Context, practice, cursor string, limit int) ([]clinic.Patient, string, error) {
	l := inList(patientsName(practice))
	l.newestFirst = true
	return readListing(ctx, s, l, cursor, limit, "patients of practice "+practice, readPatient)
}

// Marked reads keys alone.
func (s *Store) Marked(ctx context.Context, mark string) ([]string, error) {
	rows, err := s.query(ctx, &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str(markKey(mark, "").pk)},
	}, 0, "mark")
	var ids []string
	for _, r := range rows {
		if err := checkFormat(r, "mark"); err != nil {
			return nil, err
		}
		ids = append(ids, text(r, "sk"))
	}
	return ids, err
}

func (s *Store) MarkKey(ctx context.Context, practice string) (clinic.MarkKey, error) {
	i, err := s.get(ctx, practiceKey(practice, marking), latest, "key of marks of "+practice)
	return clinic.MarkKey{Practice: practice, Sealed: sealed(i)}, err
}

func (s *Store) Import(ctx context.Context, practice, id string) (registry.Import, error) {
	var im registry.Import
	i, err := s.get(ctx, practiceKey(practice, importPart(id)), latest, "import "+id)
	if err != nil {
		return im, err
	}
	err = unpack(i, "import", &im)
	im.Version = count(i, "v")
	return im, err
}

func (s *Store) Invitation(ctx context.Context, id string) (clinic.Invitation, error) {
	i, err := s.get(ctx, inviteKey(id), latest, "invitation "+id)
	if err != nil {
		return clinic.Invitation{}, err
	}
	return readInvitation(i)
}

func readInvitation(i item) (clinic.Invitation, error) {
	v := clinic.Invitation{Sealed: sealed(i)}
	err := unpack(i, "invitation", &v.Invitation)
	v.ID, v.Version = strings.TrimPrefix(text(i, "pk"), inviteKey("").pk), count(i, "v")
	return v, err
}

func (s *Store) Invitations(ctx context.Context, practice string) ([]clinic.Invitation, error) {
	is, _, err := readListing(ctx, s, inList(invitesName(practice)), "", 0, "invitations of practice "+practice, readInvitation)
	return is, err
}

func (s *Store) Roster(ctx context.Context, practice string) ([]identity.Person, error) {
	ps, _, err := readListing(ctx, s, inList(rosterName(practice)), "", 0, "roster of practice "+practice, readPerson)
	return ps, err
}

// Practices reads keys alone.
func (s *Store) Practices(ctx context.Context) ([]string, error) {
	rows, err := s.query(ctx, inList(practicesName).after(""), 0, "practices")
	var ids []string
	for _, r := range rows {
		ids = append(ids, strings.TrimPrefix(text(r, "pk"), "PRACTICE#"))
	}
	return ids, err
}

// Practice reads the core, and then in one call the versions that the core
// names.
func (s *Store) Practice(ctx context.Context, id string) (practice.Practice, error) {
	what := "practice " + id
	p := practice.Practice{ID: id}
	i, err := s.get(ctx, practiceKey(id, core), latest, what)
	if err != nil {
		return p, err
	}
	p.Version = count(i, "v")
	if err := unpack(i, what, &p.Core); err != nil {
		return p, err
	}
	config := practiceKey(id, configPart(practice.ConfigKey(p.Configured)))
	consent, next := practiceKey(id, consentPart(p.Consenting)), practiceKey(id, consentPart(p.ConsentNext))
	wanted := []key{config}
	if p.Consenting != "" { // else it was registered, and has no text yet
		wanted = append(wanted, consent)
	}
	if p.ConsentNext != "" {
		wanted = append(wanted, next)
	}
	parts, err := s.fetch(ctx, wanted, latest, what)
	if err != nil {
		return p, err
	}
	if len(parts) != len(wanted) {
		return p, fmt.Errorf("%s: its configuration %d or its consent %s is gone", what, p.Configured, p.Consenting)
	}
	for _, i := range parts {
		var into any = &p.Config
		switch keyOf(i) {
		case consent:
			into = &p.Consent
		case next:
			into = &p.NextConsent
		}
		if err := unpack(i, what, into); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (s *Store) PracticeOf(ctx context.Context, account string) (string, error) {
	i, err := s.get(ctx, accountKey(account), latest, "account "+account)
	return text(i, "practice"), err
}

func (s *Store) Account(ctx context.Context, practice, account string) (billing.Account, error) {
	i, err := s.get(ctx, standingKey(practice, account), latest, "account "+account+" of practice "+practice)
	if err != nil {
		return billing.Account{}, err
	}
	return readAccount(i)
}

func (s *Store) OpenedAccount(ctx context.Context, practice string) (clinic.OpenedAccount, error) {
	what := "account opened for practice " + practice
	i, err := s.get(ctx, openedKey(practice), latest, what)
	if err != nil {
		return clinic.OpenedAccount{}, err
	}
	var o clinic.OpenedAccount
	if err := unpack(i, what, &o); err != nil {
		return clinic.OpenedAccount{}, err
	}
	if o.Practice != practice {
		return clinic.OpenedAccount{}, fmt.Errorf("%s: %w: it is that of %s", what, vault.ErrBroken, o.Practice)
	}
	return o, nil
}

func readAccount(i item) (billing.Account, error) {
	var a billing.Account
	if err := unpack(i, "account", &a); err != nil {
		return billing.Account{}, err
	}
	if keyOf(i) != standingKey(a.Practice, a.ID) {
		return billing.Account{}, fmt.Errorf("account %s: %w: it lies where %s belongs", a.ID, vault.ErrBroken, text(i, "sk"))
	}
	a.Version = count(i, "v")
	return a, nil
}

func (s *Store) Visit(ctx context.Context, id string) (visit.Visit, error) {
	i, err := s.get(ctx, visitKey(id), latest, "visit "+id)
	if err != nil {
		return visit.Visit{}, err
	}
	return readVisit(i)
}

func (s *Store) Content(ctx context.Context, visit string, consistent bool) (clinic.Content, error) {
	var out clinic.Content
	items, err := s.query(ctx, &dynamodb.QueryInput{
		ConsistentRead:            aws.Bool(consistent),
		KeyConditionExpression:    aws.String("pk = :p"),
		ExpressionAttributeValues: item{":p": str(chartKey(visit, "").pk)},
	}, 0, "content of visit "+visit)
	if err != nil {
		return out, err
	}
	for _, i := range items {
		if err := checkFormat(i, "content of visit "+visit); err != nil {
			return clinic.Content{}, err
		}
		switch sk := text(i, "sk"); sk {
		case answers:
			out.Answers = sealed(i)
		case divert:
			out.Diverted = sealed(i)
		default:
			kind, number, _ := strings.Cut(sk, "#")
			seq, err := strconv.Atoi(number)
			switch {
			case err == nil && kind == "MSG":
				out.Messages = append(out.Messages, clinic.Message{Visit: visit, Seq: seq, Body: sealed(i)})
			case err == nil && kind == "NOTE":
				out.Notes = append(out.Notes, clinic.Note{Visit: visit, Seq: seq, Body: sealed(i)})
			default:
				return out, fmt.Errorf("content of visit %s: row %s is none of ours", visit, sk)
			}
		}
	}
	return out, nil
}

func (s *Store) Payment(ctx context.Context, id string) (billing.Payment, error) {
	i, err := s.get(ctx, paymentKey(id), latest, "payment "+id)
	if err != nil {
		return billing.Payment{}, err
	}
	return readPayment(i)
}

func (s *Store) Money(ctx context.Context, of string) ([]billing.Payment, []ledger.Entry, error) {
	what := "money of " + of
	items, err := s.query(ctx, &dynamodb.QueryInput{
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :p"),
		ExpressionAttributeValues: item{":p": str(moneyOf(of))},
	}, 0, what)
	if err != nil {
		return nil, nil, err
	}
	var ps []billing.Payment
	var es []ledger.Entry
	for _, i := range items {
		if strings.HasPrefix(text(i, "sk"), "PAY#") {
			p, err := readPayment(i)
			if err != nil {
				return nil, nil, err
			}
			ps = append(ps, p)
			continue
		}
		if strings.HasPrefix(text(i, "sk"), "EVIDENCE#") {
			continue // no money
		}
		e, err := readEntry(i)
		if err != nil {
			return nil, nil, err
		}
		es = append(es, e)
	}
	slices.SortStableFunc(ps, func(a, b billing.Payment) int { return a.OpenedAt.Compare(b.OpenedAt) })
	slices.SortStableFunc(es, func(a, b ledger.Entry) int { return a.At.Compare(b.At) })
	return ps, es, nil
}

func readEntry(i item) (ledger.Entry, error) {
	var e ledger.Entry
	if err := unpack(i, "entry", &e); err != nil {
		return e, err
	}
	if keyOf(i) != entryKey(e.Payment, e.ID) {
		return e, fmt.Errorf("entry %s of payment %s: %w: it lies where %s belongs", e.ID, e.Payment, vault.ErrBroken, text(i, "sk"))
	}
	return e, nil
}

func (s *Store) Work(ctx context.Context, practice string) ([]work.Item, error) {
	ws, _, err := readListing(ctx, s, inList(workName(practice)), "", 0, "work of practice "+practice, readWork)
	return ws, err
}

func (s *Store) WorkItem(ctx context.Context, practice, id string) (work.Item, error) {
	i, err := s.get(ctx, workKey(practice, id), latest, "work item "+id)
	if err != nil {
		return work.Item{}, err
	}
	return readWork(i)
}

func readWork(i item) (work.Item, error) {
	var w work.Item
	err := unpack(i, "work item", &w)
	w.Version = count(i, "v")
	return w, err
}

func (s *Store) Request(ctx context.Context, k string) (clinic.Request, error) {
	i, err := s.get(ctx, requestKey(k), latest, "request")
	if err != nil {
		return clinic.Request{}, err
	}
	return clinic.Request{Key: k, Input: text(i, "input"), Result: text(i, "result"), Ends: ends(i)}, nil
}

func (s *Store) Session(ctx context.Context, hash string) (clinic.Session, error) {
	out := clinic.Session{Hash: hash}
	i, err := s.get(ctx, sessionKey(hash), latest, "session")
	if err != nil {
		return out, err
	}
	var row sessionRow
	err = unpack(i, "session", &row)
	if row.Ends.IsZero() { // a session begun before sessions were renewed
		row.Ends = ends(i)
	}
	out.Proof, out.Seen, out.Renew, out.Trying, out.Ends = row.Proof, row.Seen, row.Renew, row.Trying, row.Ends
	out.Practice, out.Strong = row.Practice, row.Strong
	out.Refresh, out.Name, out.Contact = sealed(i), binary(i, "name"), binary(i, "contact")
	out.Ended, out.Version = text(i, "ended") != "", count(i, "v")
	return out, err
}

// A sessionRow is what is packed of a session.
type sessionRow struct {
	clinic.Proof
	Practice string    `json:"practice,omitempty"`
	Strong   bool      `json:"strong,omitempty"`
	Seen     time.Time `json:"seen,omitzero"`
	Renew    time.Time `json:"renew,omitzero"`
	Trying   time.Time `json:"trying,omitzero"`
	Ends     time.Time `json:"ends,omitzero"`
}

func (s *Store) KeptForms(ctx context.Context, holder string) ([]clinic.KeptForm, error) {
	in := &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :pk"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeValues: item{":pk": str(keptKey(holder, "").pk)},
	}
	return readAll(ctx, s, in, "kept forms", func(i item) (clinic.KeptForm, error) { return readKept(i, holder) })
}

func readKept(i item, holder string) (clinic.KeptForm, error) {
	return clinic.KeptForm{Holder: holder, ID: text(i, "sk"), Sealed: sealed(i), Ends: ends(i)}, checkFormat(i, "kept form")
}
