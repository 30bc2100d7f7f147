package intake_test

import (
	"os"
	"testing"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

func source(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func questionnaire(t testing.TB, name string) *intake.Questionnaire {
	t.Helper()
	q, err := intake.Parse(source(t, name))
	if err != nil {
		t.Fatal(explain(err))
	}
	return q
}

// sample is the form of testdata: every item type, one rule of a kind.
func sample(t testing.TB) *intake.Form {
	t.Helper()
	f, err := intake.Compose(questionnaire(t, "common"), questionnaire(t, "protocol"))
	if err != nil {
		t.Fatal(explain(err))
	}
	return f
}

// respond reads a response from the JSON of its items.
func respond(t testing.TB, items string) intake.Response {
	t.Helper()
	r, err := intake.ParseResponse([]byte(`{"resourceType":"QuestionnaireResponse","item":[` + items + `]}`))
	if err != nil {
		t.Fatal(explain(err))
	}
	return r
}

func explain(err error) any {
	if f, ok := fault.Public(err); ok {
		return *f
	}
	return err
}

func places(problems []fault.Problem) []string {
	found := []string{}
	for _, p := range problems {
		found = append(found, p.Where+" "+p.Code)
	}
	return found
}

func ids(fired []intake.Fired) []string {
	found := []string{}
	for _, f := range fired {
		found = append(found, f.ID)
	}
	return found
}
