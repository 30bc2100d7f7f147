package lambdatest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"evisit/infra/template"
)

// A guard stands before the engine and lets through what the function's role
// in template.yaml allows, as IAM would, and writes down which permissions were
// used.
type guard struct {
	function template.Function
	engine   http.Handler

	mu      sync.Mutex
	denied  []string
	granted map[string]bool
}

func newGuard(t *testing.T, f template.Function) *guard {
	t.Helper()
	u, err := url.Parse(database.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	return &guard{function: f, engine: httputil.NewSingleHostReverseProxy(u), granted: map[string]bool{}}
}

// A need is one permission that a call takes.
type need struct {
	action, resource string
	keys             []string
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	needs, err := needs(operation, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, n := range needs {
		if !g.allows(n) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized"}`)
			return
		}
	}
	g.engine.ServeHTTP(w, r)
}

func (g *guard) allows(n need) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.IndexFunc(g.function.Statements, func(s template.Statement) bool { return s.Allows(template.Access{Action: n.action, Resource: n.resource, Keys: n.keys}) })
	if at < 0 {
		g.denied = append(g.denied, fmt.Sprintf("%s on %s of %q", n.action, n.resource, n.keys))
		return false
	}
	for _, k := range n.keys {
		word, _, _ := strings.Cut(k, "#")
		g.granted[n.action+" "+word] = true
	}
	return true
}

// unused lists the rows that the role may touch and never did.
func (g *guard) unused() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []string
	for _, s := range g.function.Statements {
		if !slices.Contains(s.Resources, "Table.Arn") {
			continue
		}
		for _, k := range s.LeadingKeys {
			word := strings.TrimSuffix(k, "#*")
			if !slices.ContainsFunc(s.Actions, func(a string) bool { return g.granted[a+" "+word] }) {
				out = append(out, s.Sid+" "+k)
			}
		}
	}
	return out
}

type attribute struct {
	S string `json:"S"`
}

type wanted struct {
	Keys []row `json:"Keys"`
}

type row map[string]attribute

// A call is what decides the permissions of any call we make.
type call struct {
	IndexName                 string            `json:"IndexName"`
	Key                       row               `json:"Key"`
	Item                      row               `json:"Item"`
	KeyConditionExpression    string            `json:"KeyConditionExpression"`
	ExpressionAttributeValues row               `json:"ExpressionAttributeValues"`
	RequestItems              map[string]wanted `json:"RequestItems"`
	TransactItems             []map[string]call `json:"TransactItems"`
}

// A query's partition key is compared first, as in "#q = :p".
var compared = regexp.MustCompile(`^\S+ = (:\w+)`)

func needs(operation string, body []byte) ([]need, error) {
	var c call
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, fmt.Errorf("reading a call of %s: %w", operation, err)
	}
	return c.needs(operation), nil
}

func (c call) needs(operation string) []need {
	action, resource := "dynamodb:"+operation, "Table.Arn"
	switch operation {
	case "TransactWriteItems": // has no permission of its own; its parts have
		var out []need
		for _, item := range c.TransactItems {
			for kind, part := range item {
				name := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}[kind]
				out = append(out, part.needs(name)...)
			}
		}
		return out
	case "BatchGetItem":
		n := need{action, resource, nil}
		for _, table := range c.RequestItems {
			for _, k := range table.Keys {
				n.keys = append(n.keys, k["pk"].S)
			}
		}
		return []need{n}
	case "Query":
		if c.IndexName != "" {
			resource = "${Table.Arn}/index/" + c.IndexName
		}
		var keys []string
		if m := compared.FindStringSubmatch(c.KeyConditionExpression); m != nil {
			keys = []string{c.ExpressionAttributeValues[m[1]].S}
		}
		return []need{{action, resource, keys}}
	case "PutItem":
		return []need{{action, resource, []string{c.Item["pk"].S}}}
	}
	return []need{{action, resource, []string{c.Key["pk"].S}}}
}
