package httpapi

import (
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

var getSettings = Endpoint{
	Method: "GET", Path: "/settings", ID: "getSettings", Group: "Settings",
	For: "Read what your practice has decided",
	Text: "What holds now, what begins later, and every configuration that was decided, with who and when. The version is for If-Match: two who " +
		"decide at the same time do not undo each other. For administrators.",
	By: ByRegistry, Who: Known,
	Out: allSettingsReply{}, OutText: "The decisions.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		s, err := a.Author.Settings(r.Context(), r.Caller)
		out := allSettingsReply{settingsReply: showSettings(s.Practice), Account: showAccount(s.Account), Generated: s.Generated, History: []decidedReply{}, PlatformFee: s.Practice.PlatformFee}
		for _, c := range s.History {
			out.History = append(out.History, decidedReply{c.Decided.Person, c.Decided.At, showConfig(c)})
		}
		return Reply{Body: out, ETag: etag(s.Practice.Version)}, err
	},
}

type allSettingsReply struct {
	settingsReply
	Account accountReply `json:"stripe_account"`
	// The platform's part of what patients pay by what begins from now on, in hundredths of a
	// percent, as who runs the system decided.
	PlatformFee int `json:"platform_fee_basis_points" schema:"min=0 max=3000"`
	// Who reads requests, as the practice's people make it.
	Generated string `json:"who_reads_generated"`
	// The newest first.
	History []decidedReply `json:"history"`
}

// How the practice's connected account stands at Stripe, as Stripe said last.
type accountReply struct {
	// Stripe's id; absent if the practice has none.
	ID string `json:"id,omitempty"`
	// Whether a request that costs something can be sent.
	MayCharge bool `json:"may_charge"`
	// Whether Stripe pays money out to the practice's bank.
	PaidOut bool `json:"paid_out"`
	// Whether the platform has lost its access to the account.
	Disconnected bool `json:"disconnected"`
	// What Stripe asks for, by its own names of the details.
	Due []string `json:"due"`
	// Stripe's own code of why the account is disabled; absent if it is not.
	Reason string `json:"disabled_reason,omitempty"`
	// What is missing, in words; absent if nothing is.
	Missing string `json:"missing,omitempty"`
	// Since when it stands so; absent if Stripe was not asked yet.
	Since *time.Time `json:"since,omitempty"`
}

func showAccount(a billing.Account) accountReply {
	return accountReply{
		ID: a.ID, MayCharge: a.MayCharge(), PaidOut: a.Payouts, Disconnected: a.Disconnected, Due: append([]string{}, a.Due...),
		Reason: a.Reason, Missing: a.Missing(), Since: when(a.Changed),
	}
}

var connectAccount = Endpoint{
	Method: "POST", Path: "/settings/account", ID: "connectAccount", Group: "Settings",
	For: "Connect an account at Stripe",
	Text: "Has an account made at Stripe for a practice that has none; `stripe_account` has no `id` while it is being made, which takes some " +
		"seconds: send the same again. However often it is sent, one account is made. Then give Stripe what it asks for: `openAccountPage`. " +
		"A practice whose account the operator named has that one. For administrators.",
	By: ByRegistry, Who: Known,
	Out: connectedReply{}, OutText: "The account.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "account_taken"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		account, err := a.Registrar.ConnectAccount(r.Context(), r.Caller)
		return Reply{Body: connectedReply{showAccount(account)}}, err
	},
}

type connectedReply struct {
	Account accountReply `json:"stripe_account"`
}

var openAccountPage = Endpoint{
	Method: "POST", Path: "/practice/account/page", ID: "openAccountPage", Group: "Settings",
	For: "Open Stripe's page about your practice's account",
	Text: "Where an administrator gives Stripe what it asks for of the practice. The address works once and for some minutes; ask for another as " +
		"often as is needed. Stripe leads back to the settings.",
	Who: Known,
	Out: accountPageReply{}, OutText: "The page.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_account"}, {Code: "account_page_refused"}, {Code: "account_page_unavailable"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		p, err := a.Office.AccountPage(r.Context(), r.Caller)
		return Reply{Body: accountPageReply{p.URL, p.Ends}}, err
	},
}

// A page at Stripe about the practice's account.
type accountPageReply struct {
	URL string `json:"url" schema:"min=1"`
	// Until when it can be opened.
	Ends time.Time `json:"expires_at"`
}

// A configuration that was decided.
type decidedReply struct {
	// The person's id; empty for what the system registered.
	By string    `json:"by"`
	At time.Time `json:"at"`
	configReply
}

// What a practice has decided, as it holds now.
type settingsReply struct {
	// For If-Match.
	Version int `json:"version" schema:"min=1"`
	configReply
	Readers string `json:"who_reads"`
	// Whether that text is the practice's own.
	OwnReaders  bool          `json:"who_reads_own"`
	Consent     consentReply  `json:"consent"`
	NextConsent *nextConsent  `json:"next_consent,omitempty"`
	Coming      []comingReply `json:"coming"`
}

// The consent text that is to follow.
type nextConsent struct {
	From time.Time `json:"from"`
	consentReply
}

// What patients are offered.
type configReply struct {
	States []string `json:"states"`
	// Cents, by form.
	Prices map[string]money.Cents `json:"prices"`
	// Cents, by form and kind of clinician, if less than the form's price.
	KindPrices map[string]map[coding.Kind]money.Cents `json:"kind_prices"`
	// The version offered, by form.
	Forms        map[string]string `json:"forms"`
	AnswerWithin int               `json:"answer_minutes" schema:"min=0"`
	// After the promise, when an unanswered request expires.
	GiveUp int `json:"give_up_minutes" schema:"min=0"`
	// Sensitive topics that are taken by phone only.
	Topics []string `json:"topics_by_phone"`
	// Kinds of request that are not taken online, by form.
	Closed map[string][]string `json:"closed"`
	// Within how many months a patient must have been seen in person to send a clinical request; 0: it is not asked.
	Established int `json:"established_months" schema:"min=0"`
	// How much of one payment staff may refund, in all; 0: admins alone refund.
	RefundLimit int64 `json:"refund_limit_cents" schema:"min=0"`
	// Every clinician has opted out of Medicare, so that its patients pay by themselves, by private contract.
	OptedOut bool          `json:"opted_out_of_medicare"`
	Minors   minorsSetting `json:"minors"`
}

// What a practice decides on patients under 18, all of it anew. Access to what was sent before follows it too. Which minors may consent, and to what, is the law of each state.
type minorsSetting struct {
	// No request is taken for them.
	Refused bool `json:"refused,omitempty"`
	// The age from which they sign in and send for themselves, from 12 to 17; 0 or absent: none does.
	ActFrom int `json:"act_from,omitempty" validate:"min=0,max=17" schema:"min=0"`
	// The age from which what they begin themselves is read by nobody who acts for them, unless by a grant of theirs; 0 or
	// absent: who acts reads all. It is not below act_from.
	OwnFrom int `json:"own_from,omitempty" validate:"min=0,max=17" schema:"min=0"`
}

func showConfig(c practice.Config) configReply {
	out := configReply{
		States: append([]string{}, c.States...), Prices: c.Prices, KindPrices: map[string]map[coding.Kind]money.Cents{}, Forms: c.Forms, AnswerWithin: int(c.Terms.Answer.Minutes()),
		GiveUp: int(c.Terms.GiveUp.Minutes()), Topics: append([]string{}, c.Topics...), Closed: c.Closed,
		Established: c.Established, RefundLimit: int64(c.RefundLimit), OptedOut: c.OptedOut, Minors: minorsSetting(c.Minors),
	}
	for form, kinds := range c.KindPrices {
		out.KindPrices[form] = kinds
	}
	if out.Prices == nil {
		out.Prices = map[string]money.Cents{}
	}
	if out.Forms == nil {
		out.Forms = map[string]string{}
	}
	if out.Closed == nil {
		out.Closed = map[string][]string{}
	}
	return out
}

// What begins later; what it does not name stays as it is.
type comingReply struct {
	From         time.Time                               `json:"from"`
	States       *[]string                               `json:"states,omitempty"`
	Prices       map[string]*money.Cents                 `json:"prices,omitempty"`
	KindPrices   map[string]map[coding.Kind]*money.Cents `json:"kind_prices,omitempty"`
	Forms        map[string]string                       `json:"forms,omitempty"`
	AnswerWithin *int                                    `json:"answer_minutes,omitempty"`
	GiveUp       *int                                    `json:"give_up_minutes,omitempty"`
	Topics       *[]string                               `json:"topics_by_phone,omitempty"`
	Closed       map[string][]string                     `json:"closed,omitempty"`
	Established  *int                                    `json:"established_months,omitempty"`
	RefundLimit  *money.Cents                            `json:"refund_limit_cents,omitempty"`
	OptedOut     *bool                                   `json:"opted_out_of_medicare,omitempty"`
	Minors       *minorsSetting                          `json:"minors,omitempty"`
}

func showSettings(p practice.Practice) settingsReply {
	out := settingsReply{
		Version: p.Version, configReply: showConfig(p.Config), Readers: p.Readers, OwnReaders: p.OwnReaders,
		Consent: showConsent(p.Consent), Coming: []comingReply{},
	}
	if p.ConsentNext != "" {
		out.NextConsent = &nextConsent{p.ConsentFrom, showConsent(p.NextConsent)}
	}
	for _, ch := range p.Coming {
		c := comingReply{From: ch.From, States: ch.States, Prices: ch.Prices, KindPrices: ch.KindPrices, Forms: ch.Forms, Topics: ch.Topics, Closed: ch.Closed, Established: ch.Established, RefundLimit: ch.RefundLimit, OptedOut: ch.OptedOut, Minors: (*minorsSetting)(ch.Minors)}
		if ch.Terms != nil {
			answer, giveUp := int(ch.Terms.Answer.Minutes()), int(ch.Terms.GiveUp.Minutes())
			c.AnswerWithin, c.GiveUp = &answer, &giveUp
		}
		out.Coming = append(out.Coming, c)
	}
	return out
}

func (a *API) replySettings(p practice.Practice, err error) (Reply, error) {
	return Reply{Body: showSettings(p.At(a.Kernel.Time())), ETag: etag(p.Version)}, err
}

var decideSettings = Endpoint{
	Method: "POST", Path: "/settings/decisions", ID: "decideSettings", Group: "Settings",
	For: "Decide prices, promises, states, forms, topics, who must have been seen, and what holds of minors",
	Text: "At once, or from a time on. What is not named stays as it is. What was quoted and promised before stands; from then on quotes use what " +
		"is decided, in every process within 20 seconds. A price is 0, or from 50 cents to 10,000,000, and null removes it; that of a kind of clinician is at most the form's. For administrators.",
	By: ByRegistry, Who: Known, IfMatch: true, In: decisionInput{},
	Out: settingsReply{}, OutText: "What the practice has decided.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "too_many_coming"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replySettings(a.Author.Decide(r.Context(), r.Caller, r.In.(*decisionInput).domain()))
	},
}

// A decision of a practice.
type decisionInput struct {
	// From when on; absent for at once.
	From *time.Time `json:"from,omitempty"`
	// Two letters each; replaces the list.
	States *[]string `json:"states,omitempty" validate:"omitempty,max=60"`
	// Cents, by form.
	Prices map[string]*int64 `json:"prices,omitempty" validate:"max=200"`
	// Cents, by form and kind of clinician: what an answer by one costs, at most the form's own price.
	KindPrices map[string]map[coding.Kind]*int64 `json:"kind_prices,omitempty" validate:"max=200"`
	// The version to offer, by form; empty for none.
	Forms map[string]string `json:"forms,omitempty" validate:"max=200"`
	// How soon an answer is promised, and how long after that an unanswered request expires: both or neither.
	AnswerWithin int `json:"answer_minutes,omitempty" validate:"required_with=GiveUp,min=0,max=100000"`
	GiveUp       int `json:"give_up_minutes,omitempty" validate:"required_with=AnswerWithin,min=0,max=100000"`
	// Sensitive topics that are taken by phone only; replaces the list.
	Topics *[]string `json:"topics_by_phone,omitempty" validate:"omitempty,max=20"`
	// Kinds of request not taken online; replaces the list of each form that it names.
	Closed map[string][]string `json:"closed,omitempty" validate:"max=200"`
	// Within how many months a patient must have been seen in person to send a clinical request; 0 asks it of nobody.
	Established *int `json:"established_months,omitempty" validate:"omitempty,min=0,max=120"`
	// How much of one payment staff may refund, in all; 0: admins alone refund.
	RefundLimit *int64 `json:"refund_limit_cents,omitempty" validate:"omitempty,min=0,max=10000000"`
	// Every clinician has opted out of Medicare. While not, its patients are never asked to pay the fee for what it covers.
	OptedOut *bool          `json:"opted_out_of_medicare,omitempty"`
	Minors   *minorsSetting `json:"minors,omitempty"`
}

func (in decisionInput) domain() practice.Change {
	ch := practice.Change{States: in.States, Topics: in.Topics, Forms: in.Forms, Closed: in.Closed, Established: in.Established, RefundLimit: (*money.Cents)(in.RefundLimit), OptedOut: in.OptedOut, Minors: (*identity.Minors)(in.Minors)}
	if in.From != nil {
		ch.From = in.From.UTC()
	}
	if in.AnswerWithin != 0 || in.GiveUp != 0 {
		ch.Terms = &visit.Terms{Answer: time.Duration(in.AnswerWithin) * time.Minute, GiveUp: time.Duration(in.GiveUp) * time.Minute}
	}
	for form, cents := range in.Prices {
		if ch.Prices == nil {
			ch.Prices = practice.PriceChanges{}
		}
		ch.Prices[form] = (*money.Cents)(cents)
	}
	for form, kinds := range in.KindPrices {
		for kind, cents := range kinds {
			ch.KindPrices = ch.KindPrices.With(form, kind, (*money.Cents)(cents))
		}
	}
	return ch
}

var withdrawDecision = Endpoint{
	Method: "POST", Path: "/settings/decisions/withdraw", ID: "withdrawDecision", Group: "Settings",
	For:  "Take back what was to begin at a time",
	Text: "For administrators.",
	By:   ByRegistry, Who: Known, IfMatch: true, In: withdrawInput{},
	Out: settingsReply{}, OutText: "What the practice has decided.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replySettings(a.Author.Withdraw(r.Context(), r.Caller, r.In.(*withdrawInput).From.UTC()))
	},
}

type withdrawInput struct {
	From time.Time `json:"from" validate:"required"`
}

var decideConsent = Endpoint{
	Method: "POST", Path: "/settings/consent", ID: "decideConsent", Group: "Settings",
	For: "Decide the consent text",
	Text: "At once, or from a time on, in one language or several. A new text is a new version; what patients accepted before is kept. The same " +
		"text again changes nothing, but when a text that is to come begins. For administrators.",
	By: ByRegistry, Who: Known, IfMatch: true, In: consentInput{},
	Out: settingsReply{}, OutText: "What the practice has decided.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "consent_exists"}, {Code: "exists"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*consentInput)
		text := practice.Consent{Version: in.Version, Text: in.Text, Language: in.Language, Others: in.Others}
		var from time.Time
		if in.From != nil {
			from = in.From.UTC()
		}
		return a.replySettings(a.Author.DecideConsent(r.Context(), r.Caller, text, from))
	},
}

// A consent text.
type consentInput struct {
	Version string `json:"version" validate:"required,max=40"`
	Text    string `json:"text" validate:"required"`
	// A code of ISO 639; absent: en.
	Language string `json:"language,omitempty" validate:"max=3"`
	// The text in further languages, by their codes.
	Others map[string]string `json:"others,omitempty" validate:"max=20"`
	// From when on; absent for at once.
	From *time.Time `json:"from,omitempty"`
}

var decideReaders = Endpoint{
	Method: "POST", Path: "/settings/readers", ID: "decideReaders", Group: "Settings",
	For:  "Decide what patients are told about who reads",
	Text: "Without a text it is made of who works at the practice, now and whenever that changes. For administrators.",
	By:   ByRegistry, Who: Known, IfMatch: true, In: readersInput{},
	Out: settingsReply{}, OutText: "What the practice has decided.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replySettings(a.Author.DecideReaders(r.Context(), r.Caller, r.In.(*readersInput).Text))
	},
}

type readersInput struct {
	Text string `json:"text,omitempty" validate:"max=1000"`
}
