package httpapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
)

// An Endpoint is all there is to say about one operation of the API. It stands
// beside its handler; the mux, /openapi.json, /docs and the template's test are
// made of it. What follows from a field is not said again in Refuses: a body
// that can be malformed, a token that can be missing, a key that can be reused.
type Endpoint struct {
	Method, Path string
	ID           string // the operation's name in generated clients and in examples
	Group        string // the heading it stands under, one of the document's tags
	For          string // in one line
	Text         string // for the reader of /docs

	By        Function // api unless given
	Who       Who
	Does      identity.Action // to the visit in its path; empty where there is none
	Query     []Param
	Once      bool // takes an Idempotency-Key
	Paged     bool // a list: takes a cursor and a limit
	IfMatch   bool // may be held to the version the caller read; a red flag never is
	Cached    bool // takes If-None-Match; the reply's ETag is a form's hash
	Versioned bool // the reply's ETag is a visit's version
	Linked    bool // the reply's Link is the next page, while there is one

	In     any    // a value of the type of the body; nil: it has none
	InText string // what the body is, where its type does not say it

	Status  int    // of a reply; 200 unless given
	Type    string // of a reply; JSON unless given
	Out     any    // a value of the type of a reply's body
	OutText string // what a reply means
	Refuses []Refusal

	// Serve answers one request: call, reply. The Request says who asks, and for
	// what. Stripe's webhooks have none: package webhook serves them.
	Serve func(*API, *Request) (Reply, error)
}

// A Function is one that requests reach.
type Function string

// ByAPI serves patients, clinicians and practices. ByRegistry serves who belongs to a
// practice, its patients and their contact data among them, its forms and what it decides,
// and alone may write these: for operators, administrators, staff, medical directors, and
// for patients and invited people in what concerns themselves.
const (
	ByAPI      Function = "api"
	ByRegistry Function = "registry"
)

// A Who says who may ask, which is found out before the body is read.
type Who int

// Who may ask.
const (
	Anyone    Who = iota
	Bearer        // the holder of a token; the person is read together with the visit
	Known         // the holder of a token; the person is read first, into Caller.Person
	Member        // Known, or one whom several practices know and who names none: Caller.Person is zero
	Holder        // the holder of a token, known to a practice or not
	Signature     // Stripe, by a signature over the body
)

// ByToken reports whether who asks is the holder of a token.
func (w Who) ByToken() bool { return w == Bearer || w == Known || w == Member || w == Holder }

// A Param is a parameter of the query.
type Param struct{ Name, Format, Text string }

// A Foreign is the body of an endpoint whose schema is not derived from a type
// of ours: its name in the document.
type Foreign string

// A Refusal is one code that an endpoint may refuse with.
type Refusal struct {
	Code   string
	When   string // where the table of codes does not say it
	Status int    // where the code has several, and this is not the first
	Out    any    // where the problem carries more
}

const (
	typeFHIR = "application/fhir+json"
	typeText = "text/plain; charset=utf-8"
)

// endpoints are what the API serves, in the order of the document.
var endpoints = []*Endpoint{
	&getDocument, &getDocs, &getHealth,
	&getMe, &listForms, &getForm, &getFormVersion, &checkAnswers,
	&startVisit, &listVisits, &getVisit, &saveAnswers, &quoteVisit, &submitVisit, &openCheckout, &cancelVisit, &deleteVisit, &sendAgain, &sendMessage, &giveNumber, &acknowledgeVisit,
	&getMembership, &joinMembership, &cancelMembership, &resumeMembership, &leaveMembership, &getMember, &endMember, &listPayments,
	&getChart, &getEncounterDocument, &getLedger, &getTrail, &listAccess, &getRecord,
	&listQueue, &takeVisit, &askPatient, &answerVisit, &declineVisit, &redirectVisit,
	&releaseVisit, &handOverVisit, &takeOverVisit, &listColleagues,
	&getPractice, &listPayouts, &listReconciliations, &listWork, &endWork, &resumeWork, &getDispute, &answerDispute, &acceptDispute, &getRefunds, &refundVisit, &recordClaim, &getMoney, &listEntries, &exportEntries, &exportLog, &exportRows, &getCheckpoint, &getLogKey,
	&registerPractice, &listPractices, &readPractice, &changePractice, &suspendPractice, &unsuspendPractice, &inviteAdministrator,
	&registerPayer, &changePayer, &endPayer, &resumePayer,
	&listPeople, &getPerson, &changePerson, &deactivatePerson, &reactivatePerson, &invitePerson, &listInvitations, &revokeInvitation, &acceptInvitation,
	&listQuestionnaires, &listLibrary, &handInQuestionnaire, &adoptProtocol, &getDraft, &approveDraft, &publishDraft, &offerForm, &compareVersions,
	&getSettings, &decideSettings, &withdrawDecision, &decideConsent, &decideReaders, &connectAccount, &openAccountPage,
	&getMembershipOffer, &decideMembership, &withdrawMembership, &closeMembership,
	&listContracts, &enterContract, &removeContract,
	&readDoor, &joinPractice, &listPatients, &registerPatient, &previewPatients, &importPatients, &getPatient, &listDoubles, &changeContact, &invitePatient,
	&verifyPatient, &setStanding, &setSeen, &giveDiscount, &endDiscount, &mergePatient, &listCaregivers, &inviteCaregiver, &uninviteCaregiver, &revokeCaregiver,
	&listPayers, &listCoverages, &orderCoverages, &addCoverage, &changeCoverage, &endCoverage, &checkCoverage,
}

// Of lists the operations that some functions serve.
func Of(functions ...Function) []*Endpoint {
	return slices.DeleteFunc(slices.Clone(endpoints), func(e *Endpoint) bool { return !slices.Contains(functions, cmp.Or(e.By, ByAPI)) })
}

// Endpoints lists every operation there is, those of Stripe's webhooks last.
func Endpoints() []*Endpoint {
	return append(slices.Clone(endpoints), &receivePlatformEvent, &receiveConnectEvent)
}

// Pattern is the endpoint as http.ServeMux has it.
func (e *Endpoint) Pattern() string { return e.Method + " " + e.Path }

// implied is what an endpoint may refuse with because of what it takes.
var implied = []struct {
	when  func(*Endpoint) bool
	codes string
}{
	{func(*Endpoint) bool { return true }, "internal"},
	{func(e *Endpoint) bool { return e.Who != Anyone }, "try_again"},
	{func(e *Endpoint) bool { return e.Who.ByToken() }, "not_signed_in not_found too_many_requests"},
	{func(e *Endpoint) bool { return e.Who.ByToken() && e.Who != Holder }, "unknown_person second_factor"},
	{func(e *Endpoint) bool { return e.Who == Bearer || e.Who == Known }, "choose_practice"},
	{func(e *Endpoint) bool { return e.Does != "" }, "denied"},
	{func(e *Endpoint) bool { return e.In != nil }, "not_json encoded unreadable too_large"},
	{(*Endpoint).takesAnswers, "response-malformed response-invalid"},
	{(*Endpoint).takesFields, "malformed_json wrong_type unknown_field invalid_request"},
	{func(e *Endpoint) bool { return e.Who != Signature }, "invalid_request"},
	{func(e *Endpoint) bool { return e.Once }, "invalid_request idempotency_key_reused"},
}

func (e *Endpoint) takesAnswers() bool {
	_, ok := e.In.(intake.Response)
	return ok
}

func (e *Endpoint) takesFields() bool {
	return e.In != nil && !e.takesAnswers() && reflect.TypeOf(e.In) != reflect.TypeFor[Foreign]()
}

// parameters names the parameters of the query.
func (e *Endpoint) parameters() []string {
	var names []string
	for _, p := range e.Query {
		names = append(names, p.Name)
	}
	if e.Paged {
		names = append(names, "cursor", "limit")
	}
	return names
}

// AllRefusals lists every code that the endpoint may refuse with, its own
// first, each with its status.
func (e *Endpoint) AllRefusals() []Refusal {
	all := slices.Clone(e.Refuses)
	for _, i := range implied {
		if !i.when(e) {
			continue
		}
		for code := range strings.FieldsSeq(i.codes) {
			if !slices.ContainsFunc(all, func(r Refusal) bool { return r.Code == code }) {
				all = append(all, Refusal{Code: code})
			}
		}
	}
	if e.Who != Anyone {
		all = append(all, Refusal{Code: "internal", Status: http.StatusGatewayTimeout})
	}
	for i, r := range all {
		if at := slices.IndexFunc(Codes, func(c Code) bool { return c.Name == r.Code }); at >= 0 && r.Status == 0 {
			all[i].Status = Codes[at].Status
		}
	}
	return all
}

// A Request is what an endpoint is asked, with the caller, body and parameters
// that the endpoint declares read from it.
type Request struct {
	*http.Request
	Caller clinic.Caller
	In     any // what the body holds: a pointer to the type of the endpoint's In, or an intake.Response
	After  string
	Limit  int // of a list: so many after that place
	list   string
	wrong  error // which fields of In break their tags; nil if none does
}

// A Reply is what an endpoint answers.
type Reply struct {
	Status   int    // the endpoint's unless given
	Type     string // the endpoint's unless given
	Body     any    // bytes as they are, else sent as JSON
	ETag     string
	Location string
	Cache    string // Cache-Control, where the reply may be kept
	Next     string // the address of the next page, for Link
}

func (a *API) handler(e *Endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, err := a.serve(e, r)
		if err == nil {
			err = e.send(w, r, reply)
		}
		if err != nil {
			if clinic.IsTurnedAway(err) {
				a.recordTurnedAway(e, r, err)
			}
			exchange.Reject(w, r, a.log, err)
		}
	})
}

// recordTurnedAway records who was refused with why, whatever they asked for. Their
// token was verified, and is remembered.
func (a *API) recordTurnedAway(e *Endpoint, r *http.Request, why error) {
	if c, err := a.bearer(r); err == nil {
		a.Kernel.RecordTurnedAway(r.Context(), c, why, e.Pattern(), r.PathValue("id"), r.URL.Query().Get("patient"))
	}
}

func (a *API) serve(e *Endpoint, r *http.Request) (Reply, error) {
	for _, name := range []string{"id", "work", "practice", "person", "invitation", "patient"} {
		if err := checkID(r.PathValue(name)); err != nil {
			return Reply{}, err
		}
	}
	asked, err := a.read(e, r)
	if err != nil {
		return Reply{}, err
	}
	if asked.wrong != nil {
		return Reply{}, clinic.Judge(r.Context(), asked.wrong, func(ctx context.Context) error {
			asked.Request = r.WithContext(ctx)
			_, err := e.Serve(a, asked)
			return err
		})
	}
	return e.Serve(a, asked)
}

// judged reports whether a request with wrong fields is judged as a whole: its sender is then
// told what its rules find wrong, too. Registry alone serves these, whose one effect is a commit:
// what api serves also stores documents and opens payment pages.
func (e *Endpoint) judged() bool { return e.By == ByRegistry }

// read finds the caller first, and then reads the rest of the request. A caller
// who may not ask is told so, and not what else is wrong.
func (a *API) read(e *Endpoint, r *http.Request) (*Request, error) {
	q := &Request{Request: r}
	var err error
	if q.Caller, err = a.callerOf(e.Who, r); err != nil {
		if errors.Is(err, fault.Anonymous) && r.Header.Get("Authorization") != "" {
			err = a.CountFailedProof(r, err)
		}
		return nil, err
	}
	if e.Who.ByToken() {
		if err := a.CountWrite(r, q.Caller.Proof); err != nil {
			return nil, err
		}
	}
	if err := e.readInto(q, r); err != nil {
		if e.Does != "" {
			if _, _, refused := a.Kernel.LoadVisit(r.Context(), q.Caller, e.Does, r.PathValue("id")); refused != nil {
				return nil, refused
			}
		}
		return nil, err
	}
	return q, nil
}

// readInto reads what r asks for.
func (e *Endpoint) readInto(q *Request, r *http.Request) (err error) {
	if err := e.checkQuery(r); err != nil {
		return err
	}
	if err := checkHeaders(r); err != nil {
		return err
	}
	if e.Paged {
		q.list = e.listOf(r, q.Caller)
		if q.After, q.Limit, err = page(r, q.list); err != nil {
			return err
		}
	}
	if e.IfMatch {
		q.Caller.Version = version(r)
	}
	sent, err := e.input(q, r)
	if err != nil {
		return err
	}
	if e.Once {
		q.Caller, err = repeatable(q.Caller, r, sent)
	}
	return err
}

// listOf names the list that a request is for: a place in it is none in another.
func (e *Endpoint) listOf(r *http.Request, c clinic.Caller) string {
	of := []string{e.ID, whoAsks(c), r.URL.Query().Get("patient")}
	for _, p := range e.Query {
		if p.Name != "patient" {
			of = append(of, r.URL.Query().Get(p.Name))
		}
	}
	return strings.Join(of, "\x00")
}

// input reads the body as the endpoint's In, and returns it as it was sent.
func (e *Endpoint) input(q *Request, r *http.Request) (sent []byte, err error) {
	switch {
	case e.takesAnswers():
		if sent, err = exchange.ReadJSON(r, typeFHIR); err != nil {
			return nil, err
		}
		q.In, err = intake.ParseResponse(sent)
	case e.takesFields():
		q.In = reflect.New(reflect.TypeOf(e.In)).Interface()
		if sent, err = decode(r, q.In); err != nil {
			return nil, err
		}
		if q.wrong = checkFields(q.In); q.wrong != nil && !e.judged() {
			err = q.wrong
		}
	}
	return sent, err
}

func (e *Endpoint) send(w http.ResponseWriter, r *http.Request, reply Reply) error {
	setHeader(w, "ETag", reply.ETag)
	setHeader(w, "Location", reply.Location)
	setHeader(w, "Cache-Control", reply.Cache)
	if reply.Next != "" {
		setHeader(w, "Link", "<"+reply.Next+">; rel=\"next\"")
	}
	if e.Cached && hasCopy(r, reply.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	mediaType := cmp.Or(reply.Type, e.Type, exchange.TypeJSON)
	setHeader(w, "Content-Type", mediaType)
	if strings.HasPrefix(mediaType, "text/html") {
		setHeader(w, "Content-Security-Policy", pagePolicy)
	}
	if b, ok := reply.Body.([]byte); ok {
		_, err := w.Write(b)
		return err
	}
	return exchange.WriteJSON(w, cmp.Or(reply.Status, e.Status, http.StatusOK), reply.Body)
}

// pagePolicy lets a page of the API's own have styles and nothing else.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

func setHeader(w http.ResponseWriter, name, value string) {
	if value != "" {
		w.Header().Set(name, value)
	}
}

// hasCopy reports whether r's sender holds the version that tag names.
func hasCopy(r *http.Request, tag string) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(r.Header.Get("If-None-Match"), " ", ""), ","), tag)
}
