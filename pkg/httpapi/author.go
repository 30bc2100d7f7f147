package httpapi

import (
	"encoding/json"
	"slices"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/author"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
	"evisit/pkg/protocol"
)

var listQuestionnaires = Endpoint{
	Method: "GET", Path: "/questionnaires", ID: "listQuestionnaires", Group: "Forms of the practice",
	For: "List your practice's forms, their versions and drafts",
	Text: "A version never changes. Patients begin requests on the one that is `offered`; requests in progress keep theirs. For " +
		"administrators and the medical director.",
	By: ByRegistry, Who: Known,
	Out: questionnairesReply{}, OutText: "All of them, by name; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		versions, p, err := a.Author.Versions(r.Context(), r.Caller)
		if err != nil {
			return Reply{}, err
		}
		drafts, err := a.Author.Drafts(r.Context(), r.Caller)
		out := questionnairesReply{Versions: []versionReply{}, Drafts: []draftRef{}}
		for _, v := range versions {
			out.Versions = append(out.Versions, showVersion(v, p))
		}
		for _, d := range drafts {
			out.Drafts = append(out.Drafts, showDraftRef(d))
		}
		return Reply{Body: out}, err
	},
}

type questionnairesReply struct {
	Versions []versionReply `json:"versions"`
	Drafts   []draftRef     `json:"drafts"`
}

// A version of a form that the practice has published.
type versionReply struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	At      time.Time `json:"published_at"`
	// Whether patients begin requests on it now.
	Offered  bool           `json:"offered"`
	Approved *approvalReply `json:"approved,omitempty"`
}

func showVersion(v clinic.FormVersion, p practice.Practice) versionReply {
	return versionReply{v.Name, v.Version, v.At, p.Forms[v.Name] == v.Version, showApproval(v.Approved)}
}

// The medical director's approval of one text.
type approvalReply struct {
	// The person's id.
	By   string    `json:"by"`
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	// SHA-256 of the form's JSON.
	Hash string `json:"hash" schema:"pattern=^[0-9a-f]{64}$"`
}

func showApproval(a *protocol.Approval) *approvalReply {
	if a == nil {
		return nil
	}
	return &approvalReply{a.Person, a.Name, a.At, a.Hash}
}

// A draft, without its text.
type draftRef struct {
	Name string `json:"name"`
	// For `replaces`.
	Version int `json:"draft" schema:"min=1"`
	// Who handed it in.
	By       string         `json:"by"`
	At       time.Time      `json:"at"`
	Approved *approvalReply `json:"approved,omitempty"`
	// When it became a version; absent for one that has not.
	Published *time.Time `json:"published_at,omitempty"`
}

func showDraftRef(d protocol.Draft) draftRef {
	out := draftRef{Name: d.Name, Version: d.Version, By: d.By.Name, At: d.By.At, Approved: showApproval(d.Approved)}
	if d.Published != nil {
		out.Published = &d.Published.At
	}
	return out
}

var listLibrary = Endpoint{
	Method: "GET", Path: "/questionnaires/library", ID: "listLibrary", Group: "Forms of the practice",
	For: "List the protocols that a practice may begin with",
	Text: "They are starting points that no medical director has approved. Each has the examples that show its rules. For " +
		"administrators and the medical director.",
	By: ByRegistry, Who: Known,
	Out: libraryReply{}, OutText: "All of them, by name; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.Author.Protocols(r.Context(), r.Caller)
		out := libraryReply{[]protocolReply{}}
		for _, f := range all {
			out.Protocols = append(out.Protocols, protocolReply{f.Name(), f.Title(), f.Version(), len(f.Rules())})
		}
		return Reply{Body: out}, err
	},
}

type libraryReply struct {
	Protocols []protocolReply `json:"protocols"`
}

// A protocol of the library.
type protocolReply struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Version string `json:"version"`
	// How many rules divert or flag a request, those of the block with which every form begins among them.
	Rules int `json:"rules" schema:"min=0"`
}

// refusesForm are the codes with which a questionnaire is refused as a form, also one that
// is stored: what may be published, and the common block, may have changed since.
var refusesForm = []Refusal{
	{Code: "questionnaire-malformed"},
	{Code: "questionnaire-shape"},
	{Code: "questionnaire-refused"},
	{Code: "questionnaire-too-large"},
}

// refusesSource are those of a questionnaire with its examples.
var refusesSource = slices.Concat(refusesForm, []Refusal{{Code: "examples-malformed"}, {Code: "examples-too-large"}})

// refusesHandIn are those of a draft that is handed in.
var refusesHandIn = slices.Concat([]Refusal{{Code: "denied"}, {Code: "draft_changed"}, {Code: "changed"}}, refusesSource)

var handInQuestionnaire = Endpoint{
	Method: "POST", Path: "/questionnaires", ID: "handInQuestionnaire", Group: "Forms of the practice",
	For: "Hand in a questionnaire as a draft",
	Text: "The body is at most 512 KiB. A questionnaire that cannot be a form is refused with every problem at once, and nothing is " +
		"stored. Examples that do not show every rule are no refusal: the reply lists what they do not show, and the draft cannot be " +
		"approved. A draft of the same form is replaced only if `replaces` names its version, and its approval ends. The same source " +
		"again changes nothing. For administrators and the medical director.",
	By: ByRegistry, Who: Known, In: sourceInput{},
	Out: draftReply{}, OutText: "The draft.",
	Refuses: refusesHandIn,
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*sourceInput)
		s, err := in.domain()
		if err != nil {
			return Reply{}, err
		}
		return a.replyDraft(a.Author.HandIn(r.Context(), r.Caller, s, in.Replaces))
	},
}

// What an author hands in.
type sourceInput struct {
	Questionnaire json.RawMessage `json:"questionnaire" validate:"required" schema:"required ref=QuestionnaireSource"`
	ValueSets     json.RawMessage `json:"value_sets,omitempty" schema:"ref=ValueSets"`
	Examples      json.RawMessage `json:"examples,omitempty" schema:"ref=FormExamples"`
	About         *aboutInput     `json:"about,omitempty"`
	// The version of the draft that this one takes the place of; 0 for a form without one.
	Replaces int `json:"replaces,omitempty" validate:"min=0"`
}

func (in sourceInput) domain() (protocol.Source, error) {
	sets, err := protocol.ParseValueSets(in.ValueSets)
	s := protocol.Source{Questionnaire: in.Questionnaire, ValueSets: sets, Examples: in.Examples}
	if in.About != nil {
		s.About = intake.About(*in.About)
	}
	return s, err
}

// What the practice says of a questionnaire where its author has not.
type aboutInput struct {
	// Its id.
	Name string `json:"name,omitempty" validate:"max=64"`
	// Its canonical url.
	URL     string `json:"url,omitempty" validate:"max=500"`
	Version string `json:"version,omitempty" validate:"max=40"`
	// The title that patients see.
	Title string `json:"title,omitempty" validate:"max=200"`
	// How requests on it are billed: `em`, `em-image`, `em-screen`, `admin-fee`, `monitoring` or `no-charge`.
	Billing string `json:"billing_class,omitempty" validate:"max=40"`
}

// A draft with what the engine makes of it.
type draftReply struct {
	draftRef
	Title string `json:"title"`
	// The version that it becomes when it is published.
	Becomes string `json:"becomes"`
	// SHA-256 of the form, for approval.
	Hash   string          `json:"hash" schema:"pattern=^[0-9a-f]{64}$"`
	Form   json.RawMessage `json:"form" schema:"ref=Questionnaire"`
	Trials []trialReply    `json:"examples"`
	// What the examples do not show, each to be put right before the form is approved.
	Missing []fault.Problem `json:"missing"`
	// Where the form is asked otherwise than its text may be meant: nothing to be put right, but to be known before it is approved.
	Remarks []fault.Problem `json:"remarks"`
}

// What the form says of one example.
type trialReply struct {
	Rule        string             `json:"rule"`
	Why         string             `json:"why"`
	Fired       []string           `json:"fired"`
	Disposition intake.Disposition `json:"disposition"`
}

func (a *API) replyDraft(d author.Draft, err error) (Reply, error) {
	if err != nil {
		return Reply{}, err
	}
	out := draftReply{
		draftRef: showDraftRef(d.Draft), Title: d.Form().Title(), Becomes: d.Form().Version(), Hash: d.Form().Hash(), Form: d.Form().JSON(),
		Trials: []trialReply{}, Missing: append([]fault.Problem{}, d.Read.Examination.Problems...),
		Remarks: append([]fault.Problem{}, d.Form().Remarks()...),
	}
	for _, t := range d.Read.Examination.Trials {
		out.Trials = append(out.Trials, trialReply{t.Rule, t.Why, t.Heard, t.Result.Disposition})
	}
	return Reply{Body: out}, nil
}

var adoptProtocol = Endpoint{
	Method: "POST", Path: "/questionnaires/library/{name}/adopt", ID: "adoptProtocol", Group: "Forms of the practice",
	For:  "Make a protocol of the library a draft of your practice",
	Text: "With its examples, to be edited, approved and published. It is otherwise as handing in a questionnaire. For administrators and the medical director.",
	By:   ByRegistry, Who: Known, In: adoptInput{},
	Out: draftReply{}, OutText: "The draft.",
	Refuses: slices.Concat([]Refusal{{Code: "no_protocol"}}, refusesHandIn),
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyDraft(a.Author.Adopt(r.Context(), r.Caller, r.PathValue("name"), r.In.(*adoptInput).Replaces))
	},
}

type adoptInput struct {
	// The version of the draft that it takes the place of; 0 for a form without one.
	Replaces int `json:"replaces,omitempty" validate:"min=0"`
}

var getDraft = Endpoint{
	Method: "GET", Path: "/questionnaires/{name}/draft", ID: "getDraft", Group: "Forms of the practice",
	For:  "Read a draft, and what the engine makes of it",
	Text: "Its `hash` is of the form that would be published, as the pages show it to patients. For administrators and the medical director.",
	By:   ByRegistry, Who: Known,
	Out: draftReply{}, OutText: "The draft.",
	Refuses: slices.Concat([]Refusal{{Code: "denied"}, {Code: "no_draft"}}, refusesSource),
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyDraft(a.Author.Draft(r.Context(), r.Caller, r.PathValue("name")))
	},
}

var approveDraft = Endpoint{
	Method: "POST", Path: "/questionnaires/{name}/draft/approve", ID: "approveDraft", Group: "Forms of the practice",
	For: "Approve a draft's text",
	Text: "Give the hash of the text that you have seen: another one is not approved, and a change afterwards ends the approval. The log and " +
		"the version tell who approved it and when. Repeating it changes nothing. For the medical director.",
	By: ByRegistry, Who: Known, In: approveInput{},
	Out: draftReply{}, OutText: "The draft.",
	Refuses: slices.Concat([]Refusal{{Code: "denied"}, {Code: "no_draft"}, {Code: "other_text"}, {Code: "examples_missing"}, {Code: "changed"}}, refusesSource),
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyDraft(a.Author.Approve(r.Context(), r.Caller, r.PathValue("name"), r.In.(*approveInput).Hash))
	},
}

type approveInput struct {
	// SHA-256 of the form's JSON.
	Hash string `json:"hash" validate:"required,max=64" schema:"required pattern=^[0-9a-f]{64}$"`
}

var publishDraft = Endpoint{
	Method: "POST", Path: "/questionnaires/{name}/draft/publish", ID: "publishDraft", Group: "Forms of the practice",
	For: "Publish an approved draft, and offer it to patients",
	Text: "It becomes a version that never changes. New requests begin on it within 20 seconds; requests in progress keep theirs. Repeating it " +
		"changes nothing. For administrators and the medical director.",
	By: ByRegistry, Who: Known,
	Out: draftReply{}, OutText: "The draft, which is published.",
	Refuses: slices.Concat([]Refusal{
		{Code: "denied"}, {Code: "no_draft"}, {Code: "not_approved"}, {Code: "examples_missing"}, {Code: "form_exists"}, {Code: "changed"},
	}, refusesSource),
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyDraft(a.Author.Publish(r.Context(), r.Caller, r.PathValue("name")))
	},
}

var offerForm = Endpoint{
	Method: "POST", Path: "/questionnaires/{name}/offer", ID: "offerForm", Group: "Forms of the practice",
	For: "Offer another version of a form, or none",
	Text: "Without a version the form is retired: nobody begins a request on it any more, and those in progress go on. For administrators and " +
		"the medical director.",
	By: ByRegistry, Who: Known, IfMatch: true, In: offerInput{},
	Out: settingsReply{}, OutText: "What the practice has decided.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_version"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replySettings(a.Author.Offer(r.Context(), r.Caller, r.PathValue("name"), r.In.(*offerInput).Version))
	},
}

type offerInput struct {
	// A version that is published; absent for none.
	Version string `json:"version,omitempty" validate:"max=128"`
}

var compareVersions = Endpoint{
	Method: "GET", Path: "/questionnaires/{name}/compare", ID: "compareVersions", Group: "Forms of the practice",
	For: "Compare two versions of a form",
	Text: "What was added, removed and changed for patients, one sentence each. Either version may be `draft`. For administrators and the " +
		"medical director.",
	By: ByRegistry, Who: Known,
	Query: []Param{{"from", "", "A version, or `draft`."}, {"to", "", "A version, or `draft`."}},
	Out:   changesReply{}, OutText: "The changes.",
	Refuses: slices.Concat([]Refusal{{Code: "denied"}, {Code: "no_version"}, {Code: "no_draft"}}, refusesForm),
	Serve: func(a *API, r *Request) (Reply, error) {
		q := r.URL.Query()
		all, err := a.Author.Compare(r.Context(), r.Caller, r.PathValue("name"), q.Get("from"), q.Get("to"))
		out := changesReply{[]changeReply{}}
		for _, c := range all {
			out.Changes = append(out.Changes, changeReply(c))
		}
		return Reply{Body: out}, err
	},
}

type changesReply struct {
	Changes []changeReply `json:"changes"`
}

// One difference.
type changeReply struct {
	Kind intake.ChangeKind `json:"kind" schema:"enum=added|removed|changed"`
	// A linkId, or rule and the id of one; empty for the form itself.
	Where string `json:"where"`
	Text  string `json:"text"`
}
