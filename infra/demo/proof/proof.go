// Package proof proves that every cent and every answer of a running system is
// accounted for, by computing it again from what the system and the payment simulator
// serve over HTTP. The package shares no type, counter or state with the system or
// with its caller.
package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Claim is a statement to prove about the system at BaseURL.
type Claim struct {
	BaseURL string
	// Since is when the first visit of the claim was started. The books of all visits
	// must be right, and no visit started since may be unfinished.
	Since time.Time
	// Reads are the reads of charts that the caller made, each of which the audit trail
	// must have.
	Reads []Read
	// Month, if it is set, is a month whose money must add up too.
	Month *Month
}

// A Read is one successful request for a visit's chart or document.
type Read struct{ Actor, Visit, What string }

// A Report lists what was proved and what was not.
type Report struct{ Lines []Line }

// A Line is one statement with its figures and the findings against it.
type Line struct {
	Statement string
	Figures   string
	Findings  []string
}

// Holds reports whether there are no findings.
func (r Report) Holds() bool { return len(r.Findings()) == 0 }

// Findings lists all findings against the claim.
func (r Report) Findings() []string {
	var all []string
	for _, l := range r.Lines {
		all = append(all, l.Findings...)
	}
	return all
}

// shownFindings is the most findings that are printed under one line.
const shownFindings = 8

func (r Report) String() string {
	var b strings.Builder
	for _, l := range r.Lines {
		mark := "✓"
		if len(l.Findings) > 0 {
			mark = "✗"
		}
		fmt.Fprintf(&b, " %s  %-66s %s\n", mark, l.Statement, l.Figures)
		for i, f := range l.Findings {
			if i == shownFindings {
				fmt.Fprintf(&b, "       … and %d more\n", len(l.Findings)-i)
				break
			}
			fmt.Fprintf(&b, "       %s\n", f)
		}
	}
	return b.String()
}

// A line is a Line that a statement writes to.
type line struct{ Line }

func (l *line) find(format string, args ...any) {
	l.Findings = append(l.Findings, fmt.Sprintf(format, args...))
}

// A statement is one that is proved.
type statement struct {
	text  string
	prove func(*world, *line)
}

// statements are proved of every claim, in the order of the report.
var statements = []statement{
	{"every ledger entry balances, and the balances are their sums", entriesBalance},
	{"each payment's entries say what its state says", paymentsMatchEntries},
	{"each payment is what Stripe's object is", paymentsMatchStripe},
	{"each invoice of a membership is what Stripe's is", membershipsMatchStripe},
	{"holds = captures + releases + lapses, in the ledger and at Stripe", holdsAddUp},
	{"no charge without an answer, none above the accepted quote", chargesHaveAnswers},
	{"every answered paid visit is charged once", answersAreChargedOnce},
	{"every answer is documented, and its hash matches", answersAreDocumented},
	{"nothing is stuck: no open visit, payment, webhook or work", nothingIsStuck},
	{"every chart that was read is in the audit trail", readsAreAudited},
	{"each visit's trail is in its practice's log, and the reverse", trailsAreLogged},
	{"the audit log recomputes to its signed checkpoint", logsAreSigned},
	{"the log names every version of every visit, once", versionsAreLogged},
	{"everyone was written to, and no mail has a word of health", mailsAreDiscreet},
	{"each mail said what was so when it was sent", mailsSayWhatWasSo},
	{"each patient's page says what is so of the money at Stripe", pagesSayWhatIsSo},
	{"the books were compared with Stripe's balance, and agree", booksAgree},
}

// ofMonth are proved of a claim that has a month.
var ofMonth = []statement{
	{"the money page is what its visits, memberships and payouts come to", monthAddsUp},
	{"and what Stripe has of the practice's account", monthIsStripes},
	{"every movement of that account's balance was compared", monthIsCompared},
}

// Check proves claim and reports the findings. An error means that the system could not
// be read.
func Check(ctx context.Context, claim Claim) (Report, error) {
	w, err := gather(ctx, claim)
	if err != nil {
		return Report{}, err
	}
	return w.report(), nil
}

func (w *world) report() Report {
	var r Report
	all := statements
	if w.month != nil {
		all = slices.Concat(statements, ofMonth)
	}
	for _, s := range all {
		l := line{Line{Statement: s.text}}
		s.prove(w, &l)
		r.Lines = append(r.Lines, l.Line)
	}
	return r
}
