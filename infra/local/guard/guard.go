// Package guard holds the AWS clients of a function to the function's own policy
// in template.yaml, so that a permission that is missing at AWS is missing on a
// laptop too. It refuses a call as IAM would, logs it, and remembers it.
//
// Whether a policy allows an access is decided by infra/template; this package
// knows which accesses a call takes. A call that it does not know is refused,
// whatever the policy says.
package guard

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/template"
)

// A Guard is one function's policy, and what became of the calls held to it. It
// is safe for concurrent use.
type Guard struct {
	function   string
	statements []template.Statement
	partition  map[string]string // the partition key of each index, and of the table as ""
	log        *slog.Logger

	mu     sync.Mutex
	denied []string
	used   map[grant]bool
}

// Refusal is the message that a refused call is logged with.
const Refusal = "call not allowed by template.yaml"

// Why a call was refused.
const (
	notAllowed  = "the role does not allow it"
	unknownCall = "the guard does not know this kind of call"
)

// A grant is one row pattern of one statement.
type grant struct {
	statement int
	pattern   string
}

// New returns the guard of the function in a folder of functions/. A function
// that the template does not have may do nothing.
func New(t template.Template, function string, log *slog.Logger) *Guard {
	return &Guard{function: function, statements: t.Functions[function].Statements, partition: t.PartitionKeys, log: log, used: map[grant]bool{}}
}

// Permit returns nil if the policy allows the access, and else the error that a
// client returns when IAM refuses.
func (g *Guard) Permit(ctx context.Context, a template.Access) error {
	at := g.allowing(a)
	if at < 0 {
		return g.refuse(ctx, a, notAllowed)
	}
	g.use(at, a.Keys)
	return nil
}

// allowing is the index of the first statement that allows a, or -1.
func (g *Guard) allowing(a template.Access) int {
	return slices.IndexFunc(g.statements, func(s template.Statement) bool { return s.Allows(a) })
}

// asksAttributes reports whether a statement allows the action only with some
// attributes. To gather them costs more than all the rest.
func (g *Guard) asksAttributes(action string) bool {
	return slices.ContainsFunc(g.statements, func(s template.Statement) bool {
		return len(s.Attributes) > 0 && slices.ContainsFunc(s.Actions, func(pattern string) bool { return template.Like(pattern, action) })
	})
}

func (g *Guard) use(statement int, keys []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, pattern := range g.statements[statement].LeadingKeys {
		if slices.ContainsFunc(keys, func(k string) bool { return template.Like(pattern, k) }) {
			g.used[grant{statement, pattern}] = true
		}
	}
}

func (g *Guard) refuse(ctx context.Context, a template.Access, why string) error {
	rows, attributes := words(a.Keys), slices.Compact(slices.Sorted(slices.Values(a.Attributes)))
	what := fmt.Sprintf("%s on %s", a.Action, a.Resource)
	if len(rows) > 0 {
		what += fmt.Sprintf(" of %s", rows)
	}
	if len(attributes) > 0 {
		what += fmt.Sprintf(" with %s", attributes)
	}
	g.log.ErrorContext(ctx, Refusal, "function", g.function,
		"action", a.Action, "resource", a.Resource, "rows", rows, "attributes", attributes, "reason", why)
	g.mu.Lock()
	defer g.mu.Unlock()
	if line := g.function + ": " + what + ": " + why; !slices.Contains(g.denied, line) {
		g.denied = append(g.denied, line)
	}
	return accessDenied(a.Action, g.function+" is not authorized to perform: "+what)
}

// words are the first words of partition keys, which say whose rows they are.
// The rest is an id.
func words(keys []string) []string {
	var out []string
	for _, k := range keys {
		word, _, _ := strings.Cut(k, "#")
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

// accessDenied is a refusal as the service words it.
func accessDenied(action, message string) error {
	code := "AccessDeniedException"
	if strings.HasPrefix(action, "s3:") {
		code = "AccessDenied"
	}
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}

// Denied lists what was refused so far, each kind once.
func (g *Guard) Denied() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.denied)
}

// Unused lists the rows that the role may touch and never did.
func (g *Guard) Unused() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []string
	for n, s := range g.statements {
		if !slices.Contains(s.Resources, tableARN) {
			continue
		}
		for _, pattern := range s.LeadingKeys {
			if !g.used[grant{n, pattern}] {
				out = append(out, s.Sid+" "+pattern)
			}
		}
	}
	return out
}

// before has check judge the input of every operation of a client, before it is
// sent for the first time.
func before(check func(context.Context, any) error) func(*middleware.Stack) error {
	return func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("Guard", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			if err := check(ctx, in.Parameters); err != nil {
				return middleware.InitializeOutput{}, middleware.Metadata{}, err
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	}
}
