package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A world is everything that gather read from a system.
type world struct {
	claim     Claim
	cases     []*dossier
	deleted   []*dossier // drafts that no list has any more: their money alone
	members   []member
	practices []*office
	stripe    oracle
	month     *monthly // nil: none was claimed
	webhooks  []struct {
		ID    int64  `json:"id"`
		Type  string `json:"type"`
		State string `json:"state"`
	}
	mails []mail
}

// A dossier is a visit with its chart, document, money and trail.
type dossier struct {
	visit
	Money     ledger
	MoneyCode int // status of the answer to a request for the ledger
	Acts      []act
	Chart     *chart // set only for visits started since Claim.Since
	Page      string // the text of the patient's page; set only for visits started since Claim.Since
	PageCode  int
	Doc       json.RawMessage // the document; empty if there is none
	Added     json.RawMessage
	DocCode   int // status of the answer to a request for the document
}

type visit struct {
	ID       string `json:"id"`
	Practice string `json:"practice"`
	Patient  string `json:"patient"`
	Pool     string `json:"pool"`
	Status   string `json:"status"`
	Version  int    `json:"version"`
	Form     struct {
		Name string `json:"name"`
	} `json:"form"`
	Quote *struct {
		Amount int64 `json:"amount_cents"`
	} `json:"quote"`
	Fee      *int64   `json:"fee_cents"` // of the answer, once there is one
	Document string   `json:"document"`
	Payments []string `json:"payments"`
	Timeline []struct {
		Step string    `json:"step"`
		At   time.Time `json:"at"`
	} `json:"timeline"`
	Messages int `json:"messages"`
}

// at returns the time of a step of the visit's life, or zero if it has not happened.
func (v visit) at(step string) time.Time {
	for _, s := range v.Timeline {
		if s.Step == step {
			return s.At
		}
	}
	return time.Time{}
}

// sent reports whether the visit was ever shown to the practice.
func (v visit) sent() bool { return !v.at("queued").IsZero() || v.Status == "diverted" }

func (v visit) answered() bool { return v.Status == "answered" || v.Status == "closed" }

type ledger struct {
	Payments []payment        `json:"payments"`
	Entries  []entry          `json:"entries"`
	Balances map[string]int64 `json:"balances"`
}

type payment struct {
	ID        string `json:"id"`
	State     string `json:"state"`
	Account   string `json:"account"`
	Amount    int64  `json:"amount_cents"`
	Held      int64  `json:"held_cents"`
	Collected int64  `json:"collected_cents"`
	Refunded  int64  `json:"refunded_cents"`
	Withdrawn int64  `json:"withdrawn_cents"`

	DisputeFee int64  `json:"dispute_fee_cents"`
	StripeFee  int64  `json:"stripe_fee_cents"`
	Platform   int64  `json:"platform_fee_cents"`
	Intent     string `json:"payment_intent"`
}

type entry struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Payment  string    `json:"payment"`
	At       time.Time `json:"at"`
	Postings []struct {
		Account string `json:"account"`
		Amount  int64  `json:"amount_cents"`
	} `json:"postings"`
}

// on returns the sum that the entry posts to account.
func (e entry) on(account string) (sum int64) {
	for _, p := range e.Postings {
		if p.Account == account {
			sum += p.Amount
		}
	}
	return sum
}

type act struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Version int       `json:"version"`
}

type chart struct {
	Answers []struct {
		Answers []string `json:"answers"`
	} `json:"answers"`
	Messages []struct {
		Text string `json:"text"`
	} `json:"messages"`
}

// An office is the part of a practice that its administrator sees.
type office struct {
	ID   string
	Work []struct {
		ID   string    `json:"id"`
		Kind string    `json:"kind"`
		Note string    `json:"note"`
		Made time.Time `json:"made_at"`
	}
	Payouts         []payout
	Compared        []comparison // the newest first
	Key, Checkpoint string
	Leaves          [][]byte
}

type oracle struct {
	Holds    tally `json:"holds"`
	Held     tally `json:"held"`
	Captured tally `json:"captured"`
	Released tally `json:"released"`
	Lapsed   tally `json:"lapsed"`
	Refunded tally `json:"refunded"`
	Disputed tally `json:"disputed"`
	Disputes []struct {
		Fee int64 `json:"fee"`
	} `json:"disputes"`
	Open    int      `json:"open_sessions"`
	Balance int64    `json:"balance_cents"`
	Fees    int64    `json:"fee_cents"`
	Earned  int64    `json:"earned_cents"` // by the platform
	PaidOut tally    `json:"paid_out"`
	Moved   tally    `json:"moved"`
	Intents []intent `json:"payment_intents"`

	Subscriptions []subscription `json:"subscriptions"`
}

type tally struct {
	Count int   `json:"count"`
	Cents int64 `json:"cents"`
}

type intent struct {
	ID       string            `json:"id"`
	Account  string            `json:"account"`
	Invoice  string            `json:"invoice"` // of a membership; empty of a visit's payment
	Status   string            `json:"status"`
	Amount   int64             `json:"amount"`
	Received int64             `json:"amount_received"`
	Refunded int64             `json:"amount_refunded"`
	Fee      int64             `json:"fee_cents"`      // Stripe's and the platform's
	Platform int64             `json:"platform_cents"` // the platform's part of Fee
	Metadata map[string]string `json:"metadata"`
}

type mail struct {
	At      time.Time `json:"at"`
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

type person struct {
	ID       string `json:"id"`
	Role     string `json:"role"`
	Practice string `json:"practice"`
	Token    string `json:"token"`
}

// A reader reads from the system with one person's token.
type reader struct{ base, token string }

// json reads a JSON document; its absence is an error.
func (r reader) json(ctx context.Context, path string, out any) error {
	b, code, err := r.bytes(ctx, http.MethodGet, path)
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("%s%s answered %d: %s", r.base, path, code, b)
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("reading %s%s: %w", r.base, path, err)
	}
	return nil
}

func (r reader) bytes(ctx context.Context, method, path string) ([]byte, int, error) {
	b, code, _, err := r.do(ctx, method, path)
	return b, code, err
}

// page reads one page of a list that must be there, and the path of the next,
// which the last does not have.
func (r reader) page(ctx context.Context, path string) (b []byte, next string, err error) {
	b, code, link, err := r.do(ctx, http.MethodGet, path)
	switch {
	case err != nil:
		return nil, "", err
	case code != http.StatusOK:
		return nil, "", fmt.Errorf("%s%s answered %d: %s", r.base, path, code, b)
	case link == "":
		return b, "", nil
	}
	next, rel, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">; ")
	if !ok || rel != `rel="next"` || !strings.HasPrefix(next, "/") {
		return nil, "", fmt.Errorf("%s%s links to %q, which is no next page", r.base, path, link)
	}
	return b, next, nil
}

// do returns the body, the status and the Link of a reply.
func (r reader) do(ctx context.Context, method, path string) (b []byte, code int, link string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, http.NoBody)
	if err != nil {
		return nil, 0, "", err
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, "", err
	}
	b, err = io.ReadAll(res.Body)
	return b, res.StatusCode, res.Header.Get("Link"), errors.Join(err, res.Body.Close())
}

// gather reads a world. Charts and documents are read with tokens of people who work at
// the practice, which changes nothing of a visit but its trail.
func gather(ctx context.Context, claim Claim) (*world, error) {
	w := &world{claim: claim}
	plain := reader{base: claim.BaseURL}
	var seed struct {
		Stripe string   `json:"stripe_url"`
		People []person `json:"people"`
	}
	b, code, err := plain.bytes(ctx, http.MethodPost, "/dev/seed")
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("the seed answered %d", code)
	}
	if err == nil {
		err = json.Unmarshal(b, &seed)
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the cast: %w", err)
	}
	for _, p := range seed.People {
		as := reader{claim.BaseURL, p.Token}
		switch p.Role {
		case "patient":
			err = errors.Join(w.gatherPatient(ctx, as, seed.People, p.ID), w.gatherMember(ctx, as, p))
		case "admin":
			err = w.gatherOffice(ctx, as, p.Practice)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := w.gatherDeleted(ctx, seed.People); err != nil {
		return nil, err
	}
	var box struct {
		Mails []mail `json:"mails"`
	}
	sim := reader{base: seed.Stripe}
	err = errors.Join(
		sim.json(ctx, "/sim/oracle", &w.stripe),
		sim.json(ctx, "/sim/webhooks", &w.webhooks),
		w.gatherMonth(ctx, sim, seed.People),
		plain.json(ctx, "/dev/mail.json", &box),
	)
	w.mails = box.Mails
	return w, err
}

func (w *world) gatherPatient(ctx context.Context, as reader, people []person, id string) error {
	pages, err := signIn(ctx, as.base, id)
	if err != nil {
		return fmt.Errorf("signing in as %s: %w", id, err)
	}
	for next := ""; ; {
		var page struct {
			Visits []visit `json:"visits"`
			Next   string  `json:"next"`
		}
		if err := as.json(ctx, "/visits?limit=100&cursor="+url.QueryEscape(next), &page); err != nil {
			return err
		}
		for _, v := range page.Visits {
			c := &dossier{visit: v}
			if err := w.gatherCase(ctx, c, as, people); err != nil {
				return err
			}
			if c.since(w.claim) {
				if c.Page, c.PageCode, err = pages.visit(ctx, c.ID); err != nil {
					return err
				}
			}
			w.cases = append(w.cases, c)
		}
		if next = page.Next; next == "" {
			return nil
		}
	}
}

func (w *world) gatherCase(ctx context.Context, c *dossier, as reader, people []person) error {
	var acts struct {
		Records []act `json:"records"`
	}
	at := "/visits/" + c.ID
	if err := errors.Join(c.gatherMoney(ctx, as), as.json(ctx, at+"/audit", &acts)); err != nil {
		return fmt.Errorf("reading the money and the trail of visit %s: %w", c.ID, err)
	}
	c.Acts = acts.Records
	role := "clinician"
	if c.Pool == "staff" {
		role = "staff"
	}
	for _, p := range people {
		if p.Practice != c.Practice || p.Role != role || !c.sent() {
			continue
		}
		as.token = p.Token
		break
	}
	if c.since(w.claim) {
		if err := as.json(ctx, at+"/chart", &c.Chart); err != nil {
			return err
		}
	}
	b, code, err := as.bytes(ctx, http.MethodGet, at+"/document")
	if err != nil {
		return err
	}
	c.DocCode = code
	if code != http.StatusOK {
		return nil
	}
	var both struct {
		Document json.RawMessage `json:"document"`
		Addendum json.RawMessage `json:"addendum"`
	}
	if err := json.Unmarshal(b, &both); err != nil {
		return fmt.Errorf("reading the document of visit %s: %w", c.ID, err)
	}
	c.Doc, c.Added = both.Document, both.Addendum
	return nil
}

func (c *dossier) gatherMoney(ctx context.Context, as reader) error {
	money, code, err := as.bytes(ctx, http.MethodGet, "/visits/"+c.ID+"/ledger")
	if c.MoneyCode = code; err != nil || code != http.StatusOK {
		return err
	}
	return json.Unmarshal(money, &c.Money)
}

// gatherDeleted reads the money of the drafts that the logs say were deleted, each as the
// patient who had it: a page of payment may have been tried before, and come to nothing.
func (w *world) gatherDeleted(ctx context.Context, people []person) error {
	for id := range w.deletedDrafts() {
		c := &dossier{}
		for _, p := range people {
			if p.Role != "patient" {
				continue
			}
			as := reader{w.claim.BaseURL, p.Token}
			b, code, err := as.bytes(ctx, http.MethodGet, "/visits/"+id)
			if err != nil {
				return err
			}
			if code != http.StatusOK {
				continue
			}
			if err := errors.Join(json.Unmarshal(b, &c.visit), c.gatherMoney(ctx, as)); err != nil {
				return fmt.Errorf("reading the money of visit %s, which was deleted: %w", id, err)
			}
			break
		}
		c.ID = id
		w.deleted = append(w.deleted, c)
	}
	return nil
}

func (v visit) since(claim Claim) bool { return !v.at("started").Before(claim.Since) }
