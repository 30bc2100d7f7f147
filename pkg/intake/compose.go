package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"evisit/pkg/fault"
)

// itemsPerPage is the number of top-level questions on a page of a protocol whose
// author set no pages.
const itemsPerPage = 8

const consentPage = "Fee and consent"

// commonPages are the titles of pages by the item of the common block that starts
// the page, for a common block without pages of its own.
var commonPages = map[string]string{
	"emergency-ack": "Before you start",
	"seen-7d":       "About this visit",
	"pregnant":      "About you",
	FeeItem:         consentPage,
}

// Compose publishes a protocol: it joins the common block and the protocol
// into one immutable form, or refuses with a fault.Invalid that names
// everything the publish gate found.
//
// The common block's items come first and keep their order and nesting, then
// the protocol's, then fee and consent acceptance, which a page shows last.
// The form takes its name, url, title, status, billing class, ages, sex and
// diagnoses from the protocol, the rules from both, the common block's first.
func Compose(common, protocol *Questionnaire) (*Form, error) {
	res, err := composed(common.res, protocol.res)
	if err != nil {
		return nil, err
	}
	return seal(res, nil)
}

func composed(common, protocol resource) (resource, error) {
	first, last := divide(common.Items)
	if len(last) != 2 {
		return resource{}, fault.New(fault.Invalid, "questionnaire-refused", "This questionnaire may not be published.",
			fault.Problem{Where: common.ID, Code: "structure", Text: "The common block has " + FeeItem + " and " + ConsentItem + " at the top level."})
	}
	res := protocol
	res.Version += "-common-" + common.Version
	res.DerivedFrom = []string{common.URL + "|" + common.Version, protocol.URL + "|" + protocol.Version}
	res.Items = slices.Concat(paged(first, commonPages), chunked(protocol.Items, protocol.Title), paged(last, commonPages))
	res.Extension = composeExtensions(common.Extension, protocol.Extension)
	res.Contained = slices.Concat(common.Contained, protocol.Contained)
	return res, nil
}

// Alone compiles one source that is not composed, through the same gate, so that
// answers to the source can be checked.
func Alone(q *Questionnaire) (*Form, error) { return seal(alone(q.res), nil) }

func alone(res resource) resource {
	items := paged(res.Items, commonPages)
	if len(items) > 0 && items[0].page() == "" {
		items = chunked(res.Items, res.Title)
	}
	res.Items = items
	return res
}

// Publish reads a protocol and composes it with the common block, or compiles it alone
// if common is nil. It refuses as Parse does what is no questionnaire at all; else a
// fault.Invalid names every problem that keeps the source from being published: those of
// reading it, of each of its parts, and of the form that it would be.
func Publish(common *Questionnaire, data []byte, definitions ...[]byte) (*Form, error) {
	return PublishAs(About{}, common, data, definitions...)
}

// An About says of a questionnaire what every form has and its author may have left out:
// somebody else's questionnaire has no billing class, and often no version. Each field
// that is not empty stands for the questionnaire's own, which must then be missing.
type About struct {
	Name    string `json:"name,omitempty"` // id
	URL     string `json:"url,omitempty"`  // canonical
	Version string `json:"version,omitempty"`
	Title   string `json:"title,omitempty"`         // shown to patients
	Billing string `json:"billing_class,omitempty"` // code of the billing class
}

// PublishAs publishes as Publish does, with what is said about the questionnaire.
func PublishAs(about About, common *Questionnaire, data []byte, definitions ...[]byte) (*Form, error) {
	res, problems, err := readSource(data, definitions)
	if err != nil {
		return nil, err
	}
	problems = append(problems, about.complete(&res)...)
	if res.Version == "" && common != nil { // that of the composed form is made of it
		problems = append(problems, fault.Problem{Where: "version", Code: "required", Text: "A questionnaire has its version."})
	}
	if common == nil {
		return seal(alone(res), problems)
	}
	if res, err = composed(common.res, res); err != nil {
		return nil, err
	}
	return seal(res, problems)
}

// complete fills in what res lacks, and says what it has already.
func (a About) complete(res *resource) []fault.Problem {
	var problems []fault.Problem
	for _, m := range []struct {
		name, value string
		into        *string
	}{{"id", a.Name, &res.ID}, {"url", a.URL, &res.URL}, {"version", a.Version, &res.Version}, {"title", a.Title, &res.Title}} {
		switch {
		case m.value == "":
		case *m.into != "":
			problems = append(problems, fault.Problem{Where: m.name, Code: "given_twice", Text: "The questionnaire has a " + m.name + " of its own: change it there, or give none."})
		default:
			*m.into = m.value
		}
	}
	if a.Billing != "" {
		res.Extension = append(slices.Clip(res.Extension), extension{URL: extBilling, ValueCode: a.Billing})
	}
	return problems
}

func seal(res resource, problems []fault.Problem) (*Form, error) {
	f, err := compile(res, problems, true)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(res); err != nil {
		return nil, fmt.Errorf("writing questionnaire %s: %w", res.ID, err)
	}
	f.seal(bytes.TrimRight(buf.Bytes(), "\n"))
	return f, nil
}

// divide separates fee and consent, the last two items, from the common block's
// others.
func divide(items []sourceItem) (first, last []sourceItem) {
	for _, s := range items {
		if isAcceptance(s.LinkID) {
			last = append(last, s)
		} else {
			first = append(first, s)
		}
	}
	return first, last
}

// composeExtensions keeps the protocol's attributes and both sources' rules
// and derived flags.
func composeExtensions(common, protocol []extension) []extension {
	var joined []extension
	for _, e := range protocol {
		if e.URL != extRule {
			joined = append(joined, e)
		}
	}
	for _, e := range common {
		if e.URL == extRule || e.URL == extDerived {
			joined = append(joined, e)
		}
	}
	for _, e := range protocol {
		if e.URL == extRule {
			joined = append(joined, e)
		}
	}
	return joined
}

func (s sourceItem) page() string {
	for _, e := range s.Extension {
		if e.URL == extPage {
			return e.ValueString
		}
	}
	return ""
}

// onPage returns the item with its page set to title, unless its author set a page.
func (s sourceItem) onPage(title string) sourceItem {
	if s.page() == "" && title != "" {
		s.Extension = append(slices.Clip(s.Extension), extension{URL: extPage, ValueString: title})
	}
	return s
}

// paged puts each item on the page that starts at the item, or else on the page of
// the item before.
func paged(items []sourceItem, starts map[string]string) []sourceItem {
	out := make([]sourceItem, len(items))
	title := ""
	for i, s := range items {
		if start, ok := starts[s.LinkID]; ok {
			title = start
		}
		if own := s.page(); own != "" {
			title = own
		}
		out[i] = s.onPage(title)
	}
	return out
}

// chunked spreads a protocol's items evenly over pages named after the protocol.
func chunked(items []sourceItem, title string) []sourceItem {
	if slices.ContainsFunc(items, func(s sourceItem) bool { return s.page() != "" }) {
		return paged(items, nil)
	}
	pages := (len(items) + itemsPerPage - 1) / itemsPerPage
	out := make([]sourceItem, len(items))
	for i, s := range items {
		name := title
		if pages > 1 {
			name = fmt.Sprintf("%s, %d of %d", title, i*pages/len(items)+1, pages)
		}
		out[i] = s.onPage(name)
	}
	return out
}
