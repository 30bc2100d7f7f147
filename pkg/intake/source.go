package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

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

// A resource holds the members of a FHIR Questionnaire that we evaluate or keep. Any
// other member is an error, because an author would believe that it has an effect.
type resource struct {
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
	Items          []sourceItem `json:"item"`
}

type sourceItem struct {
	LinkID         string       `json:"linkId"`
	Text           string       `json:"text,omitempty"`
	Prefix         string       `json:"prefix,omitempty"`
	Code           []Coding     `json:"code,omitempty"`
	Type           Type         `json:"type"`
	Required       bool         `json:"required,omitempty"`
	Repeats        bool         `json:"repeats,omitempty"`
	ReadOnly       bool         `json:"readOnly,omitempty"`
	MaxLength      int          `json:"maxLength,omitempty"`
	EnableWhen     []enableWhen `json:"enableWhen,omitempty"`
	EnableBehavior string       `json:"enableBehavior,omitempty"`
	AnswerOption   []option     `json:"answerOption,omitempty"`
	Extension      []extension  `json:"extension,omitempty"`
	Items          []sourceItem `json:"item,omitempty"`
}

type enableWhen struct {
	Question      string      `json:"question"`
	Operator      string      `json:"operator"`
	AnswerBoolean *bool       `json:"answerBoolean,omitempty"`
	AnswerInteger json.Number `json:"answerInteger,omitempty"`
	AnswerDecimal json.Number `json:"answerDecimal,omitempty"`
	AnswerCoding  *Coding     `json:"answerCoding,omitempty"`
}

type option struct {
	Extension   []extension `json:"extension,omitempty"`
	ValueCoding *Coding     `json:"valueCoding"`
}

type extension struct {
	URL                  string           `json:"url"`
	Extension            []extension      `json:"extension,omitempty"`
	ValueBoolean         *bool            `json:"valueBoolean,omitempty"`
	ValueCode            string           `json:"valueCode,omitempty"`
	ValueID              string           `json:"valueId,omitempty"`
	ValueString          string           `json:"valueString,omitempty"`
	ValueMarkdown        string           `json:"valueMarkdown,omitempty"`
	ValueInteger         json.Number      `json:"valueInteger,omitempty"`
	ValueDecimal         json.Number      `json:"valueDecimal,omitempty"`
	ValueCoding          *Coding          `json:"valueCoding,omitempty"`
	ValueCodeableConcept *codeableConcept `json:"valueCodeableConcept,omitempty"`
	ValueExpression      *expression      `json:"valueExpression,omitempty"`
	ValueRange           *ageRange        `json:"valueRange,omitempty"`
	ValueDate            string           `json:"valueDate,omitempty"`
	DateElement          *element         `json:"_valueDate,omitempty"`
}

// An element holds the extensions of a primitive.
type element struct {
	Extension []extension `json:"extension"`
}

type codeableConcept struct {
	Coding []Coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

type expression struct {
	Language   string `json:"language"`
	Expression string `json:"expression"`
}

type ageRange struct {
	Low  *quantity `json:"low,omitempty"`
	High *quantity `json:"high,omitempty"`
}

type quantity struct {
	Value json.Number `json:"value"`
	Unit  string      `json:"unit,omitempty"`
}

// Parse reads one source. Text that is not JSON, or has a member that we do not read,
// is a fault.Malformed. An item type, operator or extension that we do not evaluate is
// a fault.Invalid naming each by linkId, rule id or extension.
func Parse(data []byte) (*Questionnaire, error) {
	res, err := decodeResource(data)
	if err != nil {
		return nil, err
	}
	c := newCompiler(res)
	c.shape()
	if err := c.err("questionnaire-shape", "This questionnaire asks for something the engine does not evaluate."); err != nil {
		return nil, err
	}
	return &Questionnaire{res: res}, nil
}

func decodeResource(data []byte) (resource, error) {
	if len(data) > MaxQuestionnaireBytes {
		return resource{}, fault.New(fault.TooLarge, "questionnaire-too-large", "This questionnaire is larger than 1 MB.")
	}
	if _, err := parseTree(data); err != nil {
		return resource{}, unreadable(err)
	}
	var res resource
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&res); err != nil {
		return resource{}, unreadable(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return resource{}, unreadable(err)
	}
	return res, nil
}

// unreadable is a fault that shows the decoder's error, which is safe because a
// questionnaire is written by the practice and holds no health information.
func unreadable(err error) error {
	text := "This is not a FHIR R4 Questionnaire that can be read here."
	if err != nil {
		text += " " + err.Error()
	}
	return fault.Hide(fault.Malformed, "questionnaire-malformed", text, err)
}
