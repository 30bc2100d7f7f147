package intake_test

import (
	"fmt"
	"strings"
	"testing"
)

// computing is a form with two scored choices, two numbers, one of them in a group, some
// more in rows, and a computed item of the type.
func computing(typ, expression string) string {
	scored := func(linkID string) string {
		var options []string
		for i := range 4 {
			options = append(options, fmt.Sprintf(`{"valueCoding":{"code":"%d","display":"D%d"},%s}`, i, i, ext(hl7+"ordinalValue", fmt.Sprintf(`"valueDecimal":%d`, i))))
		}
		return fmt.Sprintf(`{"linkId":%q,"type":"choice","text":"Q?","answerOption":[%s]}`, linkID, strings.Join(options, ","))
	}
	return written("", scored("q1")+","+scored("q2")+`,{"linkId":"n","type":"integer","text":"N?"},
{"linkId":"g","type":"group","text":"G","item":[{"linkId":"x","type":"decimal","text":"X?"}]},
{"linkId":"r","type":"group","text":"R","repeats":true,"item":[{"linkId":"y","type":"integer","text":"Y?"}]},
{"linkId":"s","type":"string","text":"S?","repeats":true},
{"linkId":"a","type":"`+typ+`","text":"A","readOnly":true,`+ext(sdc+"calculatedExpression", `"valueExpression":{"language":"text/fhirpath","expression":"`+expression+`"}`)+`}`)
}

// The subset of FHIRPath that is evaluated gives what FHIRPath gives.
func TestCalculated_Values(t *testing.T) {
	t.Parallel()
	answers := strings.Join([]string{
		chosen("q1", "2"), chosen("q2", "3"), whole("n", 7), group("g", answer("x", `"valueDecimal":0.10`)),
		group("r", whole("y", 4)), group("r", whole("y", 5)), answer("s", `"valueString":"u"`, `"valueString":"v"`), whole("a", 99),
	}, ",")
	const q1, n, x = "%resource.item.where(linkId='q1').answer.value.ordinal()", "%resource.item.where(linkId='n').answer.value", "%resource.item.where(linkId='g').item.where(linkId='x').answer.value"
	for name, tt := range map[string]struct{ typ, expression, items, want string }{
		"a sum of scores":              {"integer", "%resource.item.where(linkId='q1' or linkId = 'q2').answer.value.ordinal().sum()", answers, "5"},
		"of a list of them":            {"integer", "%resource.item.where(linkId in ('q1' | 'q2')).answer.value.weight().sum()", answers, "5"},
		"of a pattern of them":         {"integer", "%resource.descendants().where(linkId.matches('^q')).answer.value.ordinal().sum()", answers, "5"},
		"of one that is answered":      {"integer", "%resource.item.where(linkId='q1' or linkId='q2').answer.value.ordinal().sum()", chosen("q2", "1"), "1"},
		"of none":                      {"integer", "%resource.item.where(linkId='q1' or linkId='q2').answer.value.ordinal().sum()", "", ""},
		"the one score":                {"integer", q1, answers, "2"},
		"a number":                     {"integer", n, answers, "7"},
		"a number in a group":          {"decimal", x, answers, "0.1"},
		"a number in any group":        {"decimal", "%resource.repeat(item).where(linkId='x').answer.value", answers, "0.1"},
		"a sum over rows":              {"integer", "%resource.repeat(item).where(linkId='y').answer.value.sum()", answers, "9"},
		"a count of answers":           {"integer", "%resource.item.where(linkId='s').answer.count()", answers, "2"},
		"a count of none":              {"integer", "%resource.item.where(linkId='s').answer.value.count()", "", "0"},
		"times before plus":            {"integer", "2 + " + q1 + " * 3", answers, "8"},
		"parentheses":                  {"integer", "(2 + " + q1 + ") * 3", answers, "12"},
		"minus from the left":          {"integer", "20 - " + n + " - 3", answers, "10"},
		"below zero":                   {"integer", "1 - " + n, answers, "-6"},
		"exact fractions":              {"decimal", x + " + 0.2", answers, "0.3"},
		"with what is not answered":    {"integer", n + " + 1", "", ""},
		"a fraction for a whole one":   {"integer", x, answers, ""},
		"too large for a whole number": {"integer", n + " * 999999999 * 999999999", answers, ""},
		"too large for anything":       {"decimal", strings.Repeat("999999999999999 * ", 9) + n, answers, ""},
	} {
		res := alone(t, computing(tt.typ, tt.expression)).Check(respond(t, tt.items))
		got := ""
		for _, v := range res.Response.Answers("a") {
			got += v.Text()
		}
		if got != tt.want || len(res.Problems) > 0 {
			t.Errorf("%s: %q %v, want %q", name, got, res.Problems, tt.want)
		}
		again := alone(t, computing(tt.typ, tt.expression)).Check(res.Response)
		if !again.Response.Equal(res.Response) {
			t.Errorf("%s: another value when checked again", name)
		}
	}
}

func TestCalculated_Refused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ typ, expression, want string }{
		"another function":           {"integer", "%resource.item.where(linkId='q1').answer.value.ordinal().avg()", "a extension"},
		"a variable":                 {"integer", "%score", "a extension"},
		"a condition":                {"integer", "iif(true, 1, 0)", "a extension"},
		"division":                   {"decimal", "1 / 2", "a extension"},
		"half an expression":         {"integer", "1 +", "a extension"},
		"parentheses that stay open": {"integer", "(1", "a extension"},
		"parentheses without end":    {"integer", strings.Repeat("(", 2000) + "1" + strings.Repeat(")", 2000), "a extension"},
		"a long one":                 {"integer", "1" + strings.Repeat(" + 1", 2000), "a extension"},
		"a question there is not":    {"integer", "%resource.item.where(linkId='z').answer.value.sum()", "a calculation"},
		"not at the top":             {"decimal", "%resource.item.where(linkId='x').answer.value.sum()", "a calculation"},
		"a group":                    {"integer", "%resource.item.where(linkId='g').answer.count()", "a calculation"},
		"itself":                     {"integer", "%resource.item.where(linkId='a').answer.value", "a calculation"},
		"words":                      {"integer", "%resource.item.where(linkId='s').answer.value.sum()", "a calculation"},
		"scores of numbers":          {"integer", "%resource.item.where(linkId='n').answer.value.ordinal().sum()", "a calculation"},
		"choices without scores":     {"integer", "%resource.item.where(linkId='q1').answer.value", "a calculation"},
		"several without a sum":      {"integer", "%resource.repeat(item).where(linkId='y').answer.value", "a calculation"},
		"a text":                     {"string", "1", "a readonly"},
	} {
		if got := strings.Join(refusals(t, computing(tt.typ, tt.expression)), ", "); got != tt.want {
			t.Errorf("%s: refused for %q, want %q", name, got, tt.want)
		}
	}
}

// A row that only the form itself fills is none.
func TestCalculated_FillsNoGroup(t *testing.T) {
	t.Parallel()
	data := computing("integer", "%resource.item.where(linkId='s').answer.count()")
	data = strings.Replace(data, `{"linkId":"a",`, `{"linkId":"h","type":"group","text":"H","item":[{"linkId":"a",`, 1)
	data = data[:len(data)-len("]}")] + `,{"linkId":"z","type":"string","text":"Z?","required":true}]}]}`
	for _, text := range []string{data, strings.Replace(data, `"linkId":"h",`, `"linkId":"h","required":true,`, 1)} {
		if got := strings.Join(places(alone(t, text).Check(respond(t, "")).Problems), ", "); got != "h required" {
			t.Errorf("problems %q", got)
		}
	}
}
