package intake

import (
	"encoding/json"

	"evisit/pkg/fault"
)

// A Questionnaire is one source as an author wrote it: the common block or a
// protocol. Its parts have the shapes that the engine evaluates. Compose and Alone
// decide whether a Questionnaire may be published.
type Questionnaire struct {
	res resource
}

// Name returns the resource id, such as uti-women.
func (q *Questionnaire) Name() string { return q.res.ID }

// Version returns the source's own version.
func (q *Questionnaire) Version() string { return q.res.Version }

// A resource holds the members of a FHIR Questionnaire. What is evaluated has a field;
// members that change nothing here are kept, and written again as they were. Any other
// member is an error, because an author would believe that it has an effect.
type resource struct {
	source
	ResourceType   string       `json:"resourceType"`
	ID             string       `json:"id"`
	URL            string       `json:"url"`
	Version        string       `json:"version"`
	Name           string       `json:"name,omitempty"`
	Title          string       `json:"title"`
	DerivedFrom    []string     `json:"derivedFrom,omitempty"`
	Status         string       `json:"status"`
	Experimental   bool         `json:"experimental,omitempty"`
	SubjectType    []string     `json:"subjectType,omitempty"`
	Date           string       `json:"date,omitempty"`
	Publisher      string       `json:"publisher,omitempty"`
	Description    string       `json:"description,omitempty"`
	Purpose        string       `json:"purpose,omitempty"`
	Copyright      string       `json:"copyright,omitempty"`
	ApprovalDate   string       `json:"approvalDate,omitempty"`
	LastReviewDate string       `json:"lastReviewDate,omitempty"`
	Language       string       `json:"language,omitempty"`
	Extension      []extension  `json:"extension,omitempty"`
	Contained      []node       `json:"contained,omitempty"`
	Items          []sourceItem `json:"item"`
}

type sourceItem struct {
	source
	LinkID         string         `json:"linkId"`
	Text           string         `json:"text,omitempty"`
	Prefix         string         `json:"prefix,omitempty"`
	Code           []sourceCoding `json:"code,omitempty"`
	Type           Type           `json:"type"`
	Required       bool           `json:"required,omitempty"`
	Repeats        bool           `json:"repeats,omitempty"`
	ReadOnly       *bool          `json:"readOnly,omitempty"`
	MaxLength      int            `json:"maxLength,omitempty"`
	EnableWhen     []enableWhen   `json:"enableWhen,omitempty"`
	EnableBehavior string         `json:"enableBehavior,omitempty"`
	AnswerOption   []option       `json:"answerOption,omitempty"`
	AnswerValueSet string         `json:"answerValueSet,omitempty"`
	Initial        []initial      `json:"initial,omitempty"`
	Extension      []extension    `json:"extension,omitempty"`
	Items          []sourceItem   `json:"item,omitempty"`
}

type enableWhen struct {
	source
	Question      string        `json:"question"`
	Operator      string        `json:"operator"`
	AnswerBoolean *bool         `json:"answerBoolean,omitempty"`
	AnswerInteger json.Number   `json:"answerInteger,omitempty"`
	AnswerDecimal json.Number   `json:"answerDecimal,omitempty"`
	AnswerCoding  *sourceCoding `json:"answerCoding,omitempty"`

	AnswerDate     string    `json:"answerDate,omitempty"`
	AnswerDateTime string    `json:"answerDateTime,omitempty"`
	AnswerTime     string    `json:"answerTime,omitempty"`
	AnswerString   string    `json:"answerString,omitempty"`
	AnswerQuantity *quantity `json:"answerQuantity,omitempty"`
}

// constants lists the answers that are given, of which there should be one.
func (w enableWhen) constants() []constant {
	var all []constant
	if w.AnswerBoolean != nil {
		all = append(all, truthConstant(*w.AnswerBoolean))
	}
	for _, literal := range []json.Number{w.AnswerInteger, w.AnswerDecimal} {
		if literal != "" {
			n, _ := parseNumber(literal.String())
			all = append(all, constant{kind: DecimalValue, number: n, text: literal.String()})
		}
	}
	if w.AnswerCoding != nil {
		all = append(all, constant{kind: CodingValue, coding: w.AnswerCoding.coding(), text: w.AnswerCoding.Code})
	}
	if w.AnswerQuantity != nil {
		literal := w.AnswerQuantity.Value.String()
		n, _ := parseNumber(literal)
		all = append(all, constant{kind: QuantityValue, number: n, coding: w.AnswerQuantity.unit(), text: literal})
	}
	for _, v := range []Value{Date(w.AnswerDate), DateTime(w.AnswerDateTime), Time(w.AnswerTime), String(w.AnswerString)} {
		if v.text != "" {
			all = append(all, constant{kind: v.kind, text: v.text})
		}
	}
	return all
}

type option struct {
	source
	Extension []extension `json:"extension,omitempty"`
	anyValue
	InitialSelected bool `json:"initialSelected,omitempty"`
}

// An initial is a value that a page proposes.
type initial struct {
	source
	anyValue
	ValueBoolean  *bool       `json:"valueBoolean,omitempty"`
	ValueDecimal  json.Number `json:"valueDecimal,omitempty"`
	ValueDateTime string      `json:"valueDateTime,omitempty"`
	ValueURI      string      `json:"valueUri,omitempty"`
	ValueQuantity *quantity   `json:"valueQuantity,omitempty"`
}

func (x initial) values() []Value {
	all := x.anyValue.values()
	if x.ValueBoolean != nil {
		all = append(all, Boolean(*x.ValueBoolean))
	}
	if x.ValueQuantity != nil {
		all = append(all, Quantity(x.ValueQuantity.Value.String(), x.ValueQuantity.unit()))
	}
	for _, v := range []Value{Decimal(x.ValueDecimal.String()), DateTime(x.ValueDateTime), URI(x.ValueURI)} {
		if v.text != "" {
			all = append(all, v)
		}
	}
	return all
}

// An anyValue is the value of an option: exactly one of its members is given.
type anyValue struct {
	ValueCoding  *sourceCoding `json:"valueCoding,omitempty"`
	ValueInteger json.Number   `json:"valueInteger,omitempty"`
	ValueString  string        `json:"valueString,omitempty"`
	ValueDate    string        `json:"valueDate,omitempty"`
	ValueTime    string        `json:"valueTime,omitempty"`
}

// values lists the values that are given, each of which may be no value of its kind.
func (a anyValue) values() []Value {
	var all []Value
	if a.ValueCoding != nil {
		all = append(all, Code(a.ValueCoding.coding()))
	}
	if a.ValueInteger != "" {
		all = append(all, readInteger(node{kind: numberNode, text: a.ValueInteger.String()}))
	}
	for _, v := range []Value{String(a.ValueString), Date(a.ValueDate), Time(a.ValueTime)} {
		if v.text != "" {
			all = append(all, v)
		}
	}
	return all
}

// A sourceCoding is a coding as an author wrote it.
type sourceCoding struct {
	source
	System    string      `json:"system,omitempty"`
	Code      string      `json:"code,omitempty"`
	Display   string      `json:"display,omitempty"`
	Extension []extension `json:"extension,omitempty"`
}

func (c sourceCoding) coding() Coding {
	return Coding{System: c.System, Code: c.Code, Display: c.Display}
}

type extension struct {
	source
	URL                  string           `json:"url"`
	Extension            []extension      `json:"extension,omitempty"`
	ValueBoolean         *bool            `json:"valueBoolean,omitempty"`
	ValueCode            string           `json:"valueCode,omitempty"`
	ValueID              string           `json:"valueId,omitempty"`
	ValueString          string           `json:"valueString,omitempty"`
	ValueMarkdown        string           `json:"valueMarkdown,omitempty"`
	ValueInteger         json.Number      `json:"valueInteger,omitempty"`
	ValueDecimal         json.Number      `json:"valueDecimal,omitempty"`
	ValueCoding          *sourceCoding    `json:"valueCoding,omitempty"`
	ValueCodeableConcept *codeableConcept `json:"valueCodeableConcept,omitempty"`
	ValueExpression      *expression      `json:"valueExpression,omitempty"`
	ValueRange           *ageRange        `json:"valueRange,omitempty"`
	ValueQuantity        *quantity        `json:"valueQuantity,omitempty"`
	ValueTime            string           `json:"valueTime,omitempty"`
	ValueCanonical       string           `json:"valueCanonical,omitempty"`
	ValueDate            string           `json:"valueDate,omitempty"`
	DateElement          *element         `json:"_valueDate,omitempty"`
}

// An element holds the extensions of a primitive.
type element struct {
	source
	Extension []extension `json:"extension,omitempty"`
}

type codeableConcept struct {
	source
	Coding []sourceCoding `json:"coding,omitempty"`
	Text   string         `json:"text,omitempty"`
}

type expression struct {
	source
	Name       string `json:"name,omitempty"`
	Language   string `json:"language"`
	Expression string `json:"expression"`
}

type ageRange struct {
	Low  *quantity `json:"low,omitempty"`
	High *quantity `json:"high,omitempty"`
}

type quantity struct {
	source
	Value  json.Number `json:"value,omitempty"`
	Unit   string      `json:"unit,omitempty"`
	System string      `json:"system,omitempty"`
	Code   string      `json:"code,omitempty"`
}

func (x quantity) unit() Coding { return Coding{System: x.System, Code: x.Code, Display: x.Unit} }

// Parse reads one source. Text that is not JSON, or that two readers could understand
// differently, is a fault.Malformed; more than MaxQuestionnaireBytes is a
// fault.TooLarge. A member that FHIR does not have, one of the wrong kind, and an item
// type, operator, extension or expression that would change the form and is not
// evaluated are a fault.Invalid that names each by JSON pointer, linkId or rule id.
//
// The definitions are ValueSets and CodeSystems that the source refers to by url and
// does not contain. They become a part of it, so that a form holds all that it asks.
func Parse(data []byte, definitions ...[]byte) (*Questionnaire, error) {
	res, problems, err := readSource(data, definitions)
	if err != nil {
		return nil, err
	}
	c := newCompiler(res)
	c.problems = problems
	c.shape()
	if err := c.err("questionnaire-shape", "This questionnaire asks for something the engine does not evaluate."); err != nil {
		return nil, err
	}
	return &Questionnaire{res: res}, nil
}

// readSource reads a source with the definitions that it refers to.
func readSource(data []byte, definitions [][]byte) (resource, []fault.Problem, error) {
	res, problems, err := readResource(data)
	if err != nil {
		return res, nil, err
	}
	return res, problems, res.contain(len(data), definitions)
}

// unreadable is a fault that shows the parser's error, which is safe because a
// questionnaire is written by the practice and holds no health information.
func unreadable(err error) error {
	return fault.Hide(fault.Malformed, "questionnaire-malformed",
		"This is not a FHIR R4 Questionnaire that can be read here: "+err.Error()+".", err)
}
