package intake_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// Each case breaks the sample protocol in one place, and Parse or Compose must name
// that place.
func TestCompose_Refuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new string
		want     string // where and code of one problem
	}{
		"a linkId twice":                  {`"linkId": "when"`, `"linkId": "drug"`, "drug unique"},
		"a linkId of the common block":    {`"linkId": "when"`, `"linkId": "fee-ack"`, "fee-ack unique"},
		"an item without linkId":          {`"linkId": "when"`, `"linkId": " "`, "  required"},
		"a question without text":         {`"text": "When?"`, `"text": ""`, "when required"},
		"enableWhen of no item":           {`"question": "sick", "operator": "="`, `"question": "well", "operator": "="`, "temp enableWhen"},
		"enableWhen of a later item":      {`"question": "sick", "operator": "=", "answerBoolean": true`, `"question": "s-1", "operator": "=", "answerCoding": {"code": "yes"}`, "temp enableWhen"},
		"enableWhen of itself":            {`"question": "sick", "operator": "=", "answerBoolean": true`, `"question": "temp", "operator": ">", "answerDecimal": 100`, "temp enableWhen"},
		"enableWhen of no option":         {`"answerCoding": {"system": "s", "code": "none"}`, `"answerCoding": {"system": "s", "code": "never"}`, "signs-since enableWhen"},
		"enableWhen of another system":    {`"answerCoding": {"system": "s", "code": "none"}`, `"answerCoding": {"system": "t", "code": "none"}`, "signs-since enableWhen"},
		"enableWhen of another type":      {`"question": "sick", "operator": "=", "answerBoolean": true`, `"question": "sick", "operator": "=", "answerInteger": 1`, "temp enableWhen"},
		"enableWhen by exists":            {`"question": "sick", "operator": "="`, `"question": "sick", "operator": "matches"`, "temp operator"},
		"enableWhen that never holds":     {`"answerInteger": 50`, `"answerInteger": 100`, "why enableWhen"},
		"two enableWhen without behavior": {`"enableWhen": [{"question": "sick"`, `"enableWhen": [{"question": "sick", "operator": "!=", "answerBoolean": false}, {"question": "sick"`, "temp enableBehavior"},
		"a rule on no item":               {`"question", "valueString": "temp"`, `"question", "valueString": "heat"`, "hot rule"},
		"a rule on a group":               {`"question", "valueString": "temp"`, `"question", "valueString": "med"`, "hot rule"},
		"a rule on no option":             {`"valueCode": "hourly"`, `"valueCode": "yearly"`, "two-rows rule"},
		"a rule of another type":          {`"answer", "valueDecimal": 104.5`, `"answer", "valueBoolean": true`, "hot rule"},
		"a rule no number reaches":        {`"answer", "valueDecimal": 104.5`, `"answer", "valueDecimal": 108.1`, "hot rule"},
		"a rule ordering options":         {`"operator", "valueCode": "="}, {"url": "answer", "valueCode": "hourly"`, `"operator", "valueCode": ">"}, {"url": "answer", "valueCode": "hourly"`, "two-rows rule"},
		"an operator we do not know":      {`"operator", "valueCode": ">="}, {"url": "answer", "valueDecimal"`, `"operator", "valueCode": "=>"}, {"url": "answer", "valueDecimal"`, "hot operator"},
		"a rule without source":           {`{"url": "source", "valueString": "Test"}`, `{"url": "source", "valueString": " "}`, "hot rule"},
		"a rule without message":          {`{"url": "message", "valueString": "Call 911."},`, ``, "hot rule"},
		"a rule without condition": {`{"url": "source", "valueString": "Test"},
      {"url": "condition", "extension": [{"url": "question", "valueString": "temp"}, {"url": "operator", "valueCode": ">="}, {"url": "answer", "valueDecimal": 104.5}]}]}`, `{"url": "source", "valueString": "Test"}]}`, "hot rule"},
		"a rule with two answers":           {`{"url": "answer", "valueDecimal": 104.5}`, `{"url": "answer", "valueDecimal": 104.5}, {"url": "answer", "valueDecimal": 105}`, "hot rule"},
		"a rule of no severity we know":     {`"valueCode": "emergency"`, `"valueCode": "grave"`, "hot rule"},
		"a rule of no behavior we know":     {`"valueCode": "any"`, `"valueCode": "some"`, "hot rule"},
		"a rule id twice":                   {`"valueId": "two-rows"`, `"valueId": "hot"`, "hot rule"},
		"a rule id of the common block":     {`"valueId": "two-rows"`, `"valueId": "no-consent"`, "no-consent rule"},
		"a part no rule has":                {`{"url": "source", "valueString": "Test"}`, `{"url": "origin", "valueString": "Test"}`, "hot extension"},
		"a range upside down":               {`"valueDecimal": 95.0`, `"valueDecimal": 109`, "temp range"},
		"a range on a text":                 {`"text": "How measured?",`, `"text": "How measured?", "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueInteger": 1}],`, "temp-how range"},
		"occurrences upside down":           {`"valueInteger": 2}`, `"valueInteger": 4}`, "photo occurrence"},
		"occurrences of one":                {`"text": "Photo", "repeats": true`, `"text": "Photo"`, "photo occurrence"},
		"ages upside down":                  {`"low": {"value": 18`, `"low": {"value": 66`, "evisit-age-range range"},
		"ages in months":                    {`"low": {"value": 18, "unit": "a"}`, `"low": {"value": 18, "unit": "mo"}`, "evisit-age-range range"},
		"a sex FHIR does not know":          {`"valueCode": "female"`, `"valueCode": "F"`, "evisit-sex option"},
		"a billing class we do not know":    {`"valueCode": "em"`, `"valueCode": "free"`, "evisit-billing-class option"},
		"an item type we do not evaluate":   {`"type": "dateTime"`, `"type": "reference"`, "when type"},
		"an extension of ours there is not": {`https://example.org/fhir/StructureDefinition/evisit-sex`, `https://example.org/fhir/StructureDefinition/evisit-gender`, "/extension/2 extension"},
		"an extension with two values":      {`"valueCode": "image/png"`, `"valueCode": "image/png", "valueString": "image/png"`, "photo extension"},
		"a choice without options":          {`"type": "dateTime"`, `"type": "choice"`, "when option"},
		"an option without a coding":        {`{"valueCoding": {"system": "s", "code": "cough", "display": "Cough"}}`, `{"extension": []}`, "signs option"},
		"a required text":                   {`"type": "display"`, `"type": "display", "required": true`, "sick-help type"},
		"a size of nothing":                 {`maxSize", "valueDecimal": 1`, `maxSize", "valueDecimal": 0`, "photo range"},
		"a size that is no size":            {`maxSize", "valueDecimal": 1`, `maxSize", "valueDecimal": 1e99`, "photo range"},
		"a file type on a text":             {`"text": "When?"`, `"text": "When?", "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/mimeType", "valueCode": "image/png"}]`, "when attachment"},
		"a diagnosis without a code":        {`"code": "R30.0"`, `"code": ""`, "evisit-suggested-diagnosis required"},
		"a total that is required":          {`"readOnly": true`, `"readOnly": true, "required": true`, "score readonly"},
		"a total that is asked":             {`"readOnly": true`, `"readOnly": false`, "score readonly"},
		"a total that is a text":            {`"score", "type": "integer"`, `"score", "type": "string"`, "score readonly"},
		"an option twice":                   {`"code": "cough"`, `"code": "none"`, "signs option"},
		"a group without items":             {`"linkId": "when", "type": "dateTime"`, `"linkId": "when", "type": "group"`, "when type"},
		"a calculation we do not evaluate":  {`.ordinal().sum()`, `.ordinal().avg()`, "score extension"},
		"a calculation of nothing":          {`'^s-[12]$'`, `'^t-[12]$'`, "score calculation"},
		"a calculation without ordinals":    {`'^s-[12]$'`, `'^s'`, "score calculation"},
		"readOnly without calculation":      {`"text": "When?"`, `"text": "When?", "readOnly": true, "required": true`, "when readonly"},
		"a derived flag that there is not":  {`{"url": "https://example.org/fhir/StructureDefinition/evisit-sex", "valueCode": "female"}`, `{"url": "https://example.org/fhir/StructureDefinition/evisit-derived-flag", "extension": [{"url": "id", "valueId": "age"}]}`, "age extension"},
		"a derived flag without its items":  {`{"url": "https://example.org/fhir/StructureDefinition/evisit-sex", "valueCode": "female"}`, `{"url": "https://example.org/fhir/StructureDefinition/evisit-derived-flag", "extension": [{"url": "id", "valueId": "bp-mean"}]}`, "bp-mean derived"},
		"no version":                        {`"version": "1"`, `"version": ""`, "version required"},
		"another resource":                  {`"resourceType": "Questionnaire"`, `"resourceType": "Library"`, "resourceType type"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := string(source(t, "protocol"))
			if !strings.Contains(data, tt.old) {
				t.Fatalf("the sample has no %s", tt.old)
			}
			err := publish(t, strings.Replace(data, tt.old, tt.new, 1))
			f, ok := fault.Public(err)
			if !ok || !errors.Is(err, fault.Invalid) {
				t.Fatalf("published, or failed with %v", err)
			}
			if !slices.Contains(places(f.Problems), tt.want) {
				t.Errorf("problems %+v, want %q among them", f.Problems, tt.want)
			}
		})
	}
}

// A rule is refused if no number in its question's range can fire it.
func TestCompose_RuleOutOfReach(t *testing.T) {
	t.Parallel()
	const cond = `{"url": "operator", "valueCode": ">"}, {"url": "answer", "valueInteger": 50}`
	for comparison, ok := range map[string]bool{ // dose is from 0 to 100
		"= 0": true, "= 100": true, "= -1": false, "= 101": false,
		"!= 0": true, "!= 100": true, "!= 500": true,
		"> 99": true, "> 100": false, ">= 100": true, ">= 101": false,
		"< 1": true, "< 0": false, "<= 0": true, "<= -1": false,
	} {
		operator, answer, _ := strings.Cut(comparison, " ")
		replaced := strings.NewReplacer(`">"`, `"`+operator+`"`, "50", answer).Replace(cond)
		err := publish(t, strings.Replace(string(source(t, "protocol")), cond, replaced, 1))
		if (err == nil) != ok {
			t.Errorf("dose %s: published is %v, want %v", comparison, err == nil, ok)
		}
	}
}

// Systolic and diastolic pressure must be in one group.
func TestCompose_PressuresInOneGroup(t *testing.T) {
	t.Parallel()
	const sex = `{"url": "https://example.org/fhir/StructureDefinition/evisit-sex", "valueCode": "female"}`
	const flag = `{"url": "https://example.org/fhir/StructureDefinition/evisit-derived-flag", "extension": [{"url": "id", "valueId": "bp-consistency"}]}`
	const sys, dia = `{"linkId": "bp-sys", "type": "integer", "text": "Top"}`, `{"linkId": "bp-dia", "type": "integer", "text": "Bottom"}`
	const when = `{"linkId": "when", "type": "dateTime", "text": "When?"}`
	group := func(linkID, items string) string {
		return `{"linkId": "` + linkID + `", "type": "group", "item": [` + items + `]}`
	}
	for name, tt := range map[string]struct {
		items string
		ok    bool
	}{
		"in one group":  {group("bp", sys+","+dia), true},
		"in two groups": {group("a", sys) + "," + group("b", dia), false},
		"in none":       {sys + "," + dia, false},
	} {
		data := strings.NewReplacer(sex, flag, when, tt.items).Replace(string(source(t, "protocol")))
		if err := publish(t, data); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, explain(err))
		}
	}
}

func TestCompose_RangeOfOneNumber(t *testing.T) {
	t.Parallel()
	data := strings.Replace(string(source(t, "protocol")), `"valueDecimal": 95.0`, `"valueDecimal": 108`, 1)
	if err := publish(t, data); err != nil {
		t.Error(explain(err))
	}
}

func publish(t *testing.T, protocol string) error {
	t.Helper()
	q, err := intake.Parse([]byte(protocol))
	if err != nil {
		return err
	}
	_, err = intake.Compose(questionnaire(t, "common"), q)
	return err
}

// The publish gate names every problem at once.
func TestCompose_NamesEveryProblem(t *testing.T) {
	t.Parallel()
	data := strings.NewReplacer(`"valueDecimal": 95.0`, `"valueDecimal": 109`, `"code": "cough"`, `"code": "none"`,
		`"valueCode": "hourly"`, `"valueCode": "yearly"`).Replace(string(source(t, "protocol")))
	f, ok := fault.Public(publish(t, data))
	if !ok || len(f.Problems) < 3 {
		t.Errorf("want three problems or more, got %+v", f)
	}
}

func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	valid := string(source(t, "protocol"))
	for name, data := range map[string]string{
		"nothing":        "",
		"not JSON":       "{",
		"more after it":  valid + "{}",
		"a member twice": strings.Replace(valid, `"status": "draft"`, `"status": "draft", "status": "active"`, 1),
		"not UTF-8":      strings.Replace(valid, "When?", "\xff", 1),
		"too deep":       strings.Replace(valid, `"item": [`, `"item": `+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`, "item": [`, 1),
	} {
		if _, err := intake.Parse([]byte(data)); !errors.Is(err, fault.Malformed) {
			t.Errorf("%s: %v, want malformed", name, err)
		}
	}
	if _, err := intake.Parse(make([]byte, intake.MaxQuestionnaireBytes+1)); !errors.Is(err, fault.TooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func TestCompose_CommonBlockWithoutConsent(t *testing.T) {
	t.Parallel()
	q := questionnaire(t, "protocol")
	if _, err := intake.Compose(q, q); !errors.Is(err, fault.Invalid) {
		t.Errorf("composed, or failed with %v", err)
	}
}
