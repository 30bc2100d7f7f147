package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

func answersAreDocumented(w *world, l *line) {
	documents, addenda := 0, 0
	for _, c := range w.cases {
		if !c.answered() {
			if c.Document != "" || c.DocCode != http.StatusNotFound {
				l.find("visit %s is %s and has a document", c.ID, c.Status)
			}
			continue
		}
		sum := sha256.Sum256(c.Doc)
		switch {
		case c.Document == "":
			l.find("visit %s is %s without a document", c.ID, c.Status)
			continue
		case len(c.Doc) == 0:
			l.find("visit %s: its document is not to be had; asking for it answers %d", c.ID, c.DocCode)
			continue
		case hex.EncodeToString(sum[:]) != c.Document:
			l.find("visit %s: its document does not have the hash %s", c.ID, c.Document)
		}
		documents++
		c.checkDocument(l)
		if c.Status == "closed" {
			addenda++
			c.checkAddendum(l)
		}
	}
	l.Figures = fmt.Sprintf("%d documents, %d addenda", documents, addenda)
}

func (c *dossier) checkDocument(l *line) {
	var d struct {
		Visit      string            `json:"visit"`
		Patient    string            `json:"patient"`
		Fee        int64             `json:"fee_cents"`
		Answers    []json.RawMessage `json:"answers"`
		Messages   []json.RawMessage `json:"messages"`
		Conclusion struct {
			Reply       string            `json:"reply"`
			Diagnoses   []json.RawMessage `json:"diagnoses"`
			NoDiagnosis string            `json:"no_diagnosis"`
			Plan        struct {
				Do       string `json:"do"`
				Warnings string `json:"warning_signs"`
				FollowUp string `json:"follow_up"`
			} `json:"plan"`
		} `json:"conclusion"`
	}
	if err := json.Unmarshal(c.Doc, &d); err != nil {
		l.find("visit %s: its document cannot be read: %v", c.ID, err)
		return
	}
	said := d.Conclusion
	complete := said.Reply != "" && (len(said.Diagnoses) > 0) != (said.NoDiagnosis != "") &&
		said.Plan.Do != "" && said.Plan.Warnings != "" && said.Plan.FollowUp != "" && len(d.Answers) > 0
	if d.Visit != c.ID || d.Patient != c.Patient || !complete {
		l.find("visit %s: its document is of another, or lacks an element", c.ID)
	}
	if c.Quote == nil || c.Fee == nil || d.Fee != *c.Fee || d.Fee > c.Quote.Amount {
		l.find("visit %s: its document has another fee, %s", c.ID, dollars(d.Fee))
	}
	if len(d.Messages) != c.Messages-1 { // the document has the answer as its conclusion, not as a message
		l.find("visit %s: %d messages, %d of them in its document", c.ID, c.Messages-1, len(d.Messages))
	}
}

func (c *dossier) checkAddendum(l *line) {
	var a struct {
		Document string   `json:"document"`
		Receipts []string `json:"receipts"`
	}
	if bytes.Equal(c.Added, nil) || json.Unmarshal(c.Added, &a) != nil {
		l.find("visit %s is closed without an addendum", c.ID)
		return
	}
	if a.Document != c.Document {
		l.find("visit %s: its addendum is to another document, %s", c.ID, a.Document)
	}
}

func nothingIsStuck(w *world, l *line) {
	states := map[string]int{}
	recent := 0
	for _, c := range w.cases {
		if !c.since(w.claim) {
			continue
		}
		recent++
		states[c.Status]++
		if !c.answered() && !slices.Contains([]string{"diverted", "cancelled", "declined", "redirected", "expired"}, c.Status) {
			l.find("visit %s is still %s", c.ID, c.Status)
		}
		for _, p := range c.Money.Payments {
			if p.State == "opened" || p.State == "held" {
				l.find("visit %s: payment %s is still %s", c.ID, p.ID, p.State)
			}
		}
	}
	for _, o := range w.practices {
		for _, i := range o.Work {
			if !i.Made.Before(w.claim.Since) {
				l.find("practice %s: work %s, %s, is open: %s", o.ID, i.ID, i.Kind, i.Note)
			}
		}
	}
	for _, h := range w.webhooks {
		l.find("webhook %d, %s, is %s", h.ID, h.Type, h.State)
	}
	l.Figures = fmt.Sprintf("%d visits: %d closed, %d ended otherwise", recent, states["closed"], recent-states["closed"])
}
