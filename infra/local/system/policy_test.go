package system_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evisit/infra/local/system"
)

// templateWith writes the repository's template with one text replaced, and
// returns the file.
func templateWith(t *testing.T, old, replacement string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(b), old) != 1 {
		t.Fatalf("the template does not have %q once", old)
	}
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(b), old, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func start(t *testing.T, template string) (*system.System, error) {
	t.Helper()
	return system.Start(context.WithoutCancel(t.Context()), system.Options{
		Addr: "127.0.0.1:0", Data: t.TempDir(), Log: slog.New(slog.DiscardHandler), Template: template,
	})
}

// post sends body, with a person's token or none, and reads the reply into out.
func send(t *testing.T, method, url, token, body string, out any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
}

// drive starts a visit, saves an answer and moves the clock, on which sweep signs the log of what
// was planted.
func drive(t *testing.T, s *system.System) {
	t.Helper()
	var cast system.Seeded
	send(t, "POST", s.URL+"/dev/seed", "", "", &cast)
	for _, p := range cast.People {
		if p.ID == "jane-smith" {
			var v struct{ ID string }
			if send(t, "POST", s.URL+"/visits", p.Token, `{"form":"uti-women"}`, &v); v.ID != "" {
				send(t, "PATCH", s.URL+"/visits/"+v.ID+"/answers", p.Token, `{"resourceType":"QuestionnaireResponse","status":"in-progress"}`, new(any))
			}
		}
	}
	send(t, "POST", s.URL+"/dev/clock", "", `{"advance":"3m"}`, new(any))
}

func TestSystem_EachFunctionUnderItsOwnPolicy(t *testing.T) {
	t.Parallel()
	s, err := start(t, "")
	if err != nil {
		t.Fatal(err)
	}
	drive(t, s)
	if err := s.Close(); err != nil {
		t.Errorf("under the whole template: %v", err)
	}
}

// A permission that is taken out of the template is missed where it is needed,
// and closing the system fails.
func TestSystem_MissingPermissionIsVisible(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, old, replacement, denied string }{
		{
			"api", "                      - CASE#*\n                      - UNDERWAY#*\n                      - CHART#*\n                      - MONEY#*\n                      - MEMBER#*\n                      - WORK#*\n                      - OUTBOX#api.*\n",
			"                      - UNDERWAY#*\n                      - CHART#*\n                      - MONEY#*\n                      - MEMBER#*\n                      - WORK#*\n                      - OUTBOX#api.*\n",
			"api: dynamodb:PutItem on Table.Arn of [CASE]",
		},
		{
			"sweep", `dynamodb:LeadingKeys: ["LOG#*", "SWEEP#*"]`, `dynamodb:LeadingKeys: ["SWEEP#*"]`,
			"sweep: dynamodb:PutItem on Table.Arn of [LOG]",
		},
		{
			"keyset", `Resource: !GetAtt Documents.Arn
              - Sid: Content
                Effect: Allow
                Action: kms:Decrypt`, `Resource: !GetAtt Documents.Arn
              - Sid: Content
                Effect: Allow
                Action: kms:Sign`,
			"api: kms:Decrypt on ContentKeyArn",
		},
		{
			"deadline", `dynamodb:LeadingKeys: ["CASE#*", "PERSON#*", "BALANCE#*", "MEMBER#*"]`, `dynamodb:LeadingKeys: ["OUTBOX#*", "PERSON#*", "BALANCE#*", "MEMBER#*"]`,
			"deadline: dynamodb:Query on ${Table.Arn}/index/due of [CASE]",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := start(t, templateWith(t, test.old, test.replacement))
			if err != nil {
				t.Fatal(err)
			}
			drive(t, s)
			if d := s.Denied(); len(d) != 1 || !strings.HasPrefix(d[0], test.denied) {
				t.Errorf("denied %q, want %q", d, test.denied)
			}
			if err := s.Close(); err == nil || !strings.Contains(err.Error(), test.denied) {
				t.Errorf("closing: %v, want it to fail with %q", err, test.denied)
			}
		})
	}
}

// What a function needs to start at all is missed at the start.
func TestSystem_MissingPermissionToStart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, old, replacement, denied string }{
		{"stream", "dynamodb:GetRecords, ", "", "charge: dynamodb:GetRecords on Table.StreamArn"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := start(t, templateWith(t, test.old, test.replacement))
			if err == nil {
				t.Fatal("it starts nevertheless", s.Close())
			}
			if !strings.Contains(err.Error(), test.denied) {
				t.Errorf("error %v, want %q", err, test.denied)
			}
		})
	}
}
