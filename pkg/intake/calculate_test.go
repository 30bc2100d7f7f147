package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
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
		"a condition":                  {"integer", "iif(" + n + " > 6, 1, 0)", answers, "1"},
		"the other way":                {"integer", "iif(" + n + " <= 6, 1)", answers, ""},
		"division":                     {"decimal", n + " / 2", answers, "3.5"},
		"division without end":         {"decimal", "1 / 3 * 3", "", "1"},
		"division by nothing":          {"decimal", n + " / (" + n + " - 7)", answers, ""},
		"a sign":                       {"integer", "-" + n + " + 1", answers, "-6"},
		"a power":                      {"integer", n + ".power(2)", answers, "49"},
		"a negative power":             {"decimal", "2.power(-2)", "", "0.25"},
		"a root":                       {"decimal", "2.power(0.5).round(20)", "", "1.4142135623730950488"},
		"a power beyond bounds":        {"decimal", "999999999999999.power(999).power(999)", "", ""},
		"no power":                     {"decimal", "(-2).power(0.5)", "", ""},
		"a logarithm":                  {"decimal", "10.ln().round(20)", "", "2.30258509299404568402"},
		"of less than one":             {"decimal", "0.001.ln().round(20)", "", "-6.90775527898213705205"},
		"of zero":                      {"decimal", "0.ln()", "", ""},
		"e":                            {"decimal", "1.exp().round(20)", "", "2.71828182845904523536"},
		"e to what is below zero":      {"decimal", "(-3.5).exp().round(20)", "", "0.03019738342231850074"},
		"e to much":                    {"decimal", "101.exp()", "", ""},
		"a half rounded":               {"integer", "2.5.round()", "", "3"},
		"a half below zero":            {"integer", "(-2.5).round()", "", "-2"},
		"a count of those answered":    {"integer", "%resource.item.where(linkId in ('q1' | 'n') and answer.exists()).count()", whole("n", 1), "1"},
		"all but one":                  {"integer", "%resource.item.where(linkId != 'q2').answer.value.weight().sum()", answers, "2"},
		"a text":                       {"string", "'a\\\\'' & " + n + ".toString() & {}", answers, "a'7"},
		"the words of an answer":       {"string", "%resource.item.where(linkId='q1').answer.value.display", answers, "D2"},
		"a truth":                      {"boolean", "%resource.item.where(linkId='q1').answer.value.code = '2' and " + n + " != 8", answers, "yes"},
		"what is not so":               {"boolean", "(" + n + " > 6 or " + n + " < 0).not()", answers, "no"},
		"nothing or true":              {"boolean", n + " > 6 or true", "", "yes"},
		"nothing and true":             {"boolean", n + " > 6 and true", "", ""},
		"nothing and false":            {"boolean", n + " > 6 and false", "", "no"},
		"a member":                     {"boolean", "'1'.combine('2') contains %resource.item.where(linkId='q1').answer.value.code", answers, "yes"},
		"no member":                    {"boolean", n + " in (1 | 2)", answers, "no"},
		"a member of nothing":          {"boolean", n + " in %resource.repeat(item).where(linkId='y').answer.value", whole("n", 1), "no"},
		"those above a bound":          {"integer", "%resource.repeat(item).where(linkId='y').answer.value.where($this > 4).count()", answers, "1"},
		"that there is one":            {"boolean", "%resource.repeat(item).where(linkId='y').answer.exists(value > 4)", answers, "yes"},
		"each changed":                 {"integer", "%resource.repeat(item).where(linkId='y').answer.select(value * 2).sum()", answers, "18"},
		"the first":                    {"integer", "%resource.repeat(item).where(linkId='y').answer.value.first()", answers, "4"},
		"a total":                      {"integer", "%resource.repeat(item).where(linkId='y').answer.value.aggregate($this * $total, 1)", answers, "20"},
		"a total of none":              {"integer", "%resource.repeat(item).where(linkId='y').answer.value.aggregate($this + $total, 0)", "", "0"},
		"that there is none":           {"boolean", "%resource.item.where(linkId='s').answer.empty()", "", "yes"},
		"several where one is taken":   {"integer", "(1 | 2).first() + 1", "", "2"},
		"a value given twice":          {"integer", "(1 | 1).count()", "", "1"},
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
		"a remainder":                {"integer", "5 mod 2", "a extension"},
		"a text that stays open":     {"string", "'a", "a extension"},
		"an escape":                  {"string", "'\\\\n'", "a extension"},
		"an index":                   {"integer", "%resource.item[0].answer.count()", "a extension"},
		"one argument too many":      {"integer", "%resource.item.where(linkId='s').answer.count(1)", "a extension"},
		"a member that there is not": {"integer", "%resource.author", "a extension"},
		"a path from nowhere":        {"integer", "item.where(linkId='n').answer.value", "a calculation"},
		"an item for an answer":      {"integer", "%resource.item.where(linkId='n')", "a calculation"},
		"an answer for its value":    {"integer", "%resource.item.where(linkId='n').answer", "a calculation"},
		"items that are counted":     {"integer", "%resource.item.where(linkId='n').count()", "a calculation"},
		"rows that are counted":      {"integer", "%resource.item.where(linkId='r').item.where(answer.exists()).count()", "a calculation"},
		"numbers and texts":          {"boolean", "%resource.item.where(linkId='n').answer.value = 'x'", "a calculation"},
		"codings that are compared":  {"boolean", "%resource.item.where(linkId='q1').answer.value = %resource.item.where(linkId='q2').answer.value", "a calculation"},
		"texts that are reckoned":    {"integer", "'a' + 'b'", "a calculation"},
		"a number that decides":      {"integer", "iif(1, 2, 3)", "a calculation"},
		"this without any":           {"integer", "$this", "a calculation"},
		"another repeat":             {"integer", "%resource.repeat(answer).where(linkId='n').answer.value", "a calculation"},
		"a code of a number":         {"string", "%resource.item.where(linkId='n').answer.value.code", "a calculation"},
		"items chosen otherwise":     {"integer", "%resource.item.where(text='n').answer.count()", "a extension"},
		"items chosen by answers":    {"integer", "%resource.item.where(answer.value = 1).answer.count()", "a calculation"},
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

// variables are extensions that name expressions.
func variables(named ...string) string {
	var all []string
	for _, v := range named {
		name, expression, _ := strings.Cut(v, "=")
		all = append(all, fmt.Sprintf(`{"url":"%svariable","valueExpression":{"name":%q,"language":"text/fhirpath","expression":%q}}`, hl7, name, expression))
	}
	return strings.Join(all, ",")
}

// withVariables adds variables to the form, and others to the calculated item.
func withVariables(data, ofForm, ofItem string) string {
	data = strings.Replace(data, `"extension":[`, `"extension":[`+ofForm+",", 1)
	return strings.Replace(data, `"readOnly":true,"extension":[`, `"readOnly":true,"extension":[`+ofItem+",", 1)
}

// A variable stands for its expression; those that no calculation uses are not read.
func TestCalculated_Variables(t *testing.T) {
	t.Parallel()
	n := variables("n=%resource.item.where(linkId='n').answer.value", "m=item.where(linkId='n').answer.value * 2", "unused=today()")
	for name, tt := range map[string]struct{ form, item, expression, want, refused string }{
		"of the form":               {n, variables("u=avg()"), "%n + %m", "21", ""},
		"of the item":               {n, variables("k=%n + 1", "l=%k + 1"), "%l", "9", ""},
		"the nearest":               {n, variables("n=%n + 1"), "%n", "8", ""},
		"answers":                   {variables("a=%resource.item.where(linkId='s').answer"), n, "%a.value.count()", "2", ""},
		"none":                      {n, n, "%z", "", "a extension"},
		"one after it":              {n, variables("k=%l", "l=1"), "%k", "", "a extension"},
		"itself":                    {n, variables("k=%k"), "%k", "", "a extension"},
		"outside the subset":        {n, variables("k=today()"), "%k", "", "a extension"},
		"a path of an item":         {n, variables("k=item.where(linkId='n').answer.value"), "%k", "", "a calculation"},
		"of another item":           {n, n, "%resource.item.where(linkId='z').answer.value", "", "a calculation"},
		"more than may be computed": {variables("a=2.power(1000)", "b=%a*%a*%a*%a", "c=%b*%b*%b*%b"), n, "%c / %c", "", ""},
		"more than may be read":     {manyVariables(20), n, "%v19", "", "a calculation"},
	} {
		data := withVariables(computing("integer", tt.expression), tt.form, tt.item)
		if got := strings.Join(refusals(t, data), ", "); got != tt.refused {
			t.Errorf("%s: refused for %q, want %q", name, got, tt.refused)
		}
		if tt.refused != "" {
			continue
		}
		res := alone(t, data).Check(respond(t, whole("n", 7)+","+answer("s", `"valueString":"u"`, `"valueString":"v"`)))
		got := ""
		for _, v := range res.Response.Answers("a") {
			got += v.Text()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// manyVariables are variables that use each other, each of them long.
func manyVariables(n int) string {
	all := []string{"v0=1"}
	for i := 1; i < n; i++ {
		all = append(all, fmt.Sprintf("v%d=%%v%d + %s", i, i-1, strings.Repeat("1 + ", 900)+"1"))
	}
	return variables(all...)
}

// A question is calculated whatever was sent for it; that it may be changed is refused.
func TestCalculated_IsNotAsked(t *testing.T) {
	t.Parallel()
	data := computing("choice", "%questionnaire.item.where(linkId = 'a').answerOption.value.where(code = 'x')")
	data = strings.Replace(data, `"readOnly":true,`, `"answerOption":[{"valueCoding":{"code":"x","display":"X"}},{"valueCoding":{"code":"y","display":"Y"}}],`, 1)
	res := alone(t, data).Check(respond(t, chosen("a", "y")))
	if got := res.Response.Answers("a"); len(got) != 1 || got[0].Text() != "X" || len(res.Problems) > 0 {
		t.Errorf("calculated %v, problems %v", len(got), res.Problems)
	}
	if f := alone(t, data); f.Items()[len(f.Items())-1].Asked() {
		t.Error("pages ask for what is calculated")
	}
	wantRefused(t, map[string]struct{ data, want string }{
		"to be changed":        {strings.Replace(data, `"type":"choice","text":"A",`, `"type":"choice","text":"A","readOnly":false,`, 1), "a readonly"},
		"an option by answers": {strings.Replace(data, `%questionnaire.item.where(linkId = 'a').answerOption.value.where(code = 'x')`, `iif(%resource.item.where(linkId='q1').answer.exists(), %questionnaire.item.where(linkId = 'a').answerOption.value.where(code = %resource.item.where(linkId='q1').answer.value.code), {})`, 1), "a calculation"},
		"no option for sure":   {strings.Replace(data, `.where(code = 'x')`, ``, 1), "a calculation"},
		"calculated the same":  {twice(data, "%resource.item.where(linkId='n').answer.value"), "a extension"},
	})
}

// twice gives the last item another calculation.
func twice(data, expression string) string {
	return strings.TrimSuffix(data, "]}]}") + `,{"url":"` + sdc + `calculatedExpression","valueExpression":{"language":"text/fhirpath","expression":"` + expression + `"}}]}]}`
}

// However calculations are nested, a check ends soon, and what is too much has no value.
func TestCalculated_Bounded(t *testing.T) {
	t.Parallel()
	many := "%resource.repeat(item).where(linkId='y').answer.value"
	deep := many + ".count()"
	for range 10 {
		deep = many + ".where($this > " + deep + ").count()"
	}
	rows := make([]string, 50)
	for i := range rows {
		rows[i] = group("r", whole("y", i))
	}
	for name, expression := range map[string]string{
		"answers in answers":     deep,
		"constants in constants": strings.Repeat("(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8).where((1 | 2 | 3 | 4).select(", 9) + "$this" + strings.Repeat(").exists())", 9) + ".count()",
	} {
		res := alone(t, computing("integer", expression)).Check(respond(t, strings.Join(rows, ",")))
		if got := res.Response.Answers("a"); len(got) > 0 || len(res.Problems) > 0 {
			t.Errorf("%s: %v %v", name, got, res.Problems)
		}
	}
}

// That a variable is another is a difference between two versions of a form.
func TestCompare_Variables(t *testing.T) {
	t.Parallel()
	of := func(form, item string) *intake.Form {
		return alone(t, withVariables(computing("integer", "%n"), variables("n="+form), variables("k="+item)))
	}
	was := of("1", "2")
	for name, tt := range map[string]struct {
		is   *intake.Form
		want string
	}{
		"nothing":           {of("1", "2"), ""},
		"one of the form":   {of("3", "2"), " The form: the variables of calculations: \u201c%n = 1\u201d before, \u201c%n = 3\u201d now."},
		"one of a question": {of("1", "4"), "a The question a \u201cA\u201d: the variables of calculations: \u201c%k = 2\u201d before, \u201c%k = 4\u201d now."},
	} {
		got := ""
		for _, c := range intake.Compare(was, tt.is) {
			got += c.Where + " " + c.Text
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// Variables that use each other twice are not followed again and again.
func TestCalculated_VariablesOnce(t *testing.T) {
	t.Parallel()
	sums, unions := []string{"v0=%resource.item.where(linkId='n').answer.value"}, []string{"v0=%resource.descendants().where(linkId.matches('n|x')).answer.value"}
	for i := 1; i < 60; i++ {
		sums = append(sums, fmt.Sprintf("v%d=%%v%d + %%v%d", i, i-1, i-1))
		unions = append(unions, fmt.Sprintf("v%d=iif(%%v%d.exists(), %%v%d | %%v%d, {})", i, i-1, i-1, i-1))
	}
	for expression, tt := range map[string]struct {
		variables []string
		want      string
	}{
		"%v59 / 2.power(58)": {sums, "14"},
		"%v59.count()":       {unions, "2"},
	} {
		data := withVariables(computing("integer", expression), variables(tt.variables...), variables("k=1"))
		res := alone(t, data).Check(respond(t, whole("n", 7)+","+group("g", answer("x", `"valueDecimal":0.10`))))
		if got := res.Response.Answers("a"); len(got) != 1 || got[0].Text() != tt.want {
			t.Errorf("%s is not %s", expression, tt.want)
		}
	}
}

// Where neither an option nor its value set says a score, the code system does that is
// handed in with the form.
func TestCalculated_ScoresOfACodeSystem(t *testing.T) {
	t.Parallel()
	const total = `{"linkId":"t","type":"integer","text":"T",` + `"extension":[{"url":"` + sdc + `calculatedExpression","valueExpression":{"language":"text/fhirpath","expression":"%resource.item.where(linkId!='t').answer.value.weight().sum()"}}]}`
	weight := func(code, value string) string {
		return `{"code":"` + code + `",` + ext(hl7+"itemWeight", `"valueDecimal":`+value) + `}`
	}
	system := func(concepts string) []byte {
		return []byte(`{"resourceType":"CodeSystem","id":"c","url":"s","concept":[` + concepts + `]}`)
	}
	both := weight("x", "2") + `,{"code":"z","concept":[` + weight("y", "3") + `]}`
	listed := `"answerOption":[{"valueCoding":{"system":"s","code":"x","display":"X"}},{"valueCoding":{"system":"s","code":"y","display":"Y"%s}}]`
	own := strings.Replace(listed, "%s", `,`+ext(hl7+"ordinalValue", `"valueDecimal":7`), 1)
	listed = strings.Replace(listed, "%s", "", 1)
	const set = `"contained":[{"resourceType":"ValueSet","id":"v","compose":{"include":[{"system":"s","concept":[{"code":"x"},{"code":"y"}]}]}}]`
	for name, tt := range map[string]struct {
		members, options, concepts, want string
	}{
		"of options":             {"", listed, both, "5"},
		"of a value set":         {set, `"answerValueSet":"#v"`, both, "5"},
		"the option's own first": {"", own, both, "9"},
		"one has none":           {"", listed, weight("x", "2"), "t calculation"},
		"one is no whole number": {"", listed, weight("x", "2") + "," + weight("y", "0.5"), "t calculation"},
		"one is beyond bounds":   {"", listed, weight("x", "2") + "," + weight("y", "1001"), "t calculation"},
	} {
		question := func(linkID string) string {
			return `{"linkId":"` + linkID + `","type":"choice","text":"Q?",` + tt.options + `},`
		}
		f, err := intake.Publish(nil, []byte(written(tt.members, question("a")+question("b")+total)), system(tt.concepts))
		got := ""
		if why, ok := fault.Public(err); ok {
			got = strings.Join(places(why.Problems), ", ")
		} else if err != nil {
			t.Fatal(err)
		} else {
			for _, v := range loaded(t, f).Check(respond(t, chosen("a", "x")+","+chosen("b", "y"))).Response.Answers("t") {
				got = v.Text()
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// A total that there is without answers is kept in a group that nobody has answered, which
// is as unanswered as it was.
func TestCalculated_InAGroupNobodyAnswers(t *testing.T) {
	t.Parallel()
	const items = `{"linkId":"g","type":"group","text":"G","required":true,"item":[{"linkId":"n","type":"integer","text":"N?","repeats":true},
{"linkId":"t","type":"integer","text":"T","extension":[{"url":"` + sdc + `calculatedExpression","valueExpression":{"language":"text/fhirpath","expression":"%resource.repeat(item).where(linkId='n').answer.value.aggregate($this + $total, 0)"}}]}]}`
	f := asked(t, items)
	res := f.Check(intake.Response{})
	if got := res.Response.Answers("t"); len(got) != 1 || got[0].Text() != "0" {
		t.Errorf("without answers the total is %d values", len(got))
	}
	if missing := places(res.Missing()); strings.Join(missing, ", ") != "g required" {
		t.Errorf("missing are %v", missing)
	}
	if again := f.Check(res.Response); !again.Response.Equal(res.Response) || len(again.Problems) != 1 {
		t.Errorf("checked again: %v", again.Problems)
	}
}

// summed is a calculated item of the expression; its condition may be empty.
func summed(linkID, expression, condition string) string {
	if condition != "" {
		condition = `"enableWhen":[` + condition + `],`
	}
	return `{"linkId":"` + linkID + `","type":"integer","text":"T",` + condition + ext(sdc+"calculatedExpression", `"valueExpression":{"language":"text/fhirpath","expression":"`+expression+`"}`) + `}`
}

// number is a question of a whole number; its condition may be empty.
func number(linkID, condition string) string {
	if condition != "" {
		condition = `,"enableWhen":[` + condition + `]`
	}
	return `{"linkId":"` + linkID + `","type":"integer","text":"N?"` + condition + `}`
}

func above(linkID, least string) string {
	return `{"question":"` + linkID + `","operator":">","answerInteger":` + least + `}`
}

// A calculation may stand before the questions that it uses, and decide what is asked
// after it: the answers are as if it stood where it is known.
func TestCalculated_BeforeItsQuestions(t *testing.T) {
	t.Parallel()
	const a, b, sum = "%resource.item.where(linkId='a').answer.value", "%resource.item.where(linkId='b').answer.value", "%resource.item.where(linkId='s').answer.value"
	f := asked(t, strings.Join([]string{
		summed("twice", sum+" * 2", ""), summed("s", a+" + "+b, ""), number("a", ""), number("w", above("s", "4")), number("b", ""), number("v", above("twice", "9")),
		summed("z", "%resource.item.where(linkId='v').answer.value + "+sum, above("twice", "9")),
	}, ","))
	for given, want := range map[string]string{
		"":            "",
		whole("a", 2): "a=2",
		whole("a", 2) + "," + whole("b", 1) + "," + whole("w", 7) + "," + whole("v", 8): "twice=6 s=3 a=2 b=1",
		whole("a", 2) + "," + whole("b", 3) + "," + whole("w", 7):                       "twice=10 s=5 a=2 w=7 b=3",
		whole("a", 2) + "," + whole("b", 3) + "," + whole("v", 8) + "," + whole("s", 1): "twice=10 s=5 a=2 b=3 v=8 z=13",
	} {
		res := f.Check(respond(t, given))
		var got []string
		for _, e := range res.Response.Items {
			got = append(got, e.LinkID+"="+e.Answers[0].Value.Text())
		}
		if strings.Join(got, " ") != want || len(res.Problems) > 0 {
			t.Errorf("%s: %q %v, want %q", given, got, res.Problems, want)
		}
		if again := loaded(t, f).Check(res.Response); !again.Response.Equal(res.Response) {
			t.Errorf("%s: otherwise when checked again", given)
		}
	}
}

// Calculations that wait for each other are refused, each of them that stands first.
func TestCalculated_Circles(t *testing.T) {
	t.Parallel()
	of := func(linkIDs ...string) string {
		return "%resource.repeat(item).where(linkId in ('" + strings.Join(linkIDs, "' | '") + "')).answer.value.sum()"
	}
	var many []string
	for n := range 21 {
		many = append(many, summed(fmt.Sprint("t", n), of("n"), ""))
	}
	group := func(condition, items string) string {
		return `{"linkId":"g","type":"group","text":"G","enableWhen":[` + condition + `],"item":[` + items + `]}`
	}
	for name, tt := range map[string]struct{ items, want string }{
		"none":                         {summed("t", of("n"), "") + "," + number("n", ""), ""},
		"itself":                       {summed("t", of("t", "n"), "") + "," + number("n", ""), "t calculation"},
		"each other":                   {summed("t", of("u"), "") + "," + summed("u", of("t"), ""), "t calculation"},
		"three":                        {summed("t", of("v"), "") + "," + summed("u", of("t"), "") + "," + summed("v", of("u"), ""), "t calculation"},
		"by what is asked":             {summed("t", of("n"), "") + "," + number("n", above("t", "1")), "t calculation"},
		"by a group":                   {summed("t", of("n"), "") + "," + group(above("t", "1"), number("n", "")), "t calculation"},
		"asked because of another":     {summed("t", of("n"), "") + "," + summed("u", of("m"), "") + "," + number("m", above("t", "1")) + "," + number("n", ""), ""},
		"one after another in a chain": {summed("t", of("u"), "") + "," + summed("u", of("n"), "") + "," + number("n", ""), ""},
		"more than a form may have":    {strings.Join(many, ",") + "," + number("n", ""), "t20 calculation"},
		"as many as a form may have":   {strings.Join(many[1:], ",") + "," + number("n", ""), ""},
	} {
		if got := strings.Join(refusals(t, written("", tt.items)), ", "); got != tt.want {
			t.Errorf("%s: refused for %q, want %q", name, got, tt.want)
		}
	}
}
