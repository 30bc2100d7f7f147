package main

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"evisit/infra/handlers"
	"evisit/infra/template"
	"evisit/pkg/httpapi/webhook"
	"evisit/pkg/setup"
)

// A check compares the template with the code and with the documents, and lists what
// is missing or wrong.
type check struct {
	root     string
	tpl      template.Template
	text     string            // of the template
	docs     map[string]string // by name in infra/
	problems []string
}

// deployCheck prints what the source in root lacks for a deployment, and fails if that
// is anything.
func deployCheck(root string, out io.Writer) error {
	c, err := newCheck(root)
	if err != nil {
		return err
	}
	for _, look := range []func() error{
		c.functions, c.settings, c.secrets, c.alarms, c.parameters, c.webhooks, c.restrictions, c.commands, c.references,
	} {
		if err := look(); err != nil {
			return err
		}
	}
	for _, p := range c.problems {
		_, _ = fmt.Fprintln(out, p)
	}
	if n := len(c.problems); n > 0 {
		return fmt.Errorf("a deployment would lack or mistake %d of what it needs", n)
	}
	_, _ = fmt.Fprintf(out, "nothing is missing: %d functions with their settings, secrets, roles, alarms and archives; %d parameters; the documents agree\n", len(c.tpl.Functions), len(c.tpl.Parameters))
	return nil
}

func newCheck(root string) (*check, error) {
	c := &check{root: root, docs: map[string]string{}}
	var err error
	if c.tpl, err = template.Read(filepath.Join(root, "template.yaml")); err != nil {
		return nil, err
	}
	if c.text, err = c.read("template.yaml"); err != nil {
		return nil, err
	}
	for _, name := range []string{deployDoc, runDoc} {
		if c.docs[name], err = c.read(name); err != nil {
			return nil, err
		}
	}
	return c, nil
}

const (
	deployDoc = "infra/DEPLOY.md"
	runDoc    = "infra/RUNBOOK.md"
)

func (c *check) read(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(c.root, name)) //nolint:gosec // a file of our own source
	return string(b), err
}

func (c *check) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// names are the functions in order.
func (c *check) names() []string { return slices.Sorted(maps.Keys(c.tpl.Functions)) }

// functions checks that each has a source, an archive, a role of its own and a log.
func (c *check) functions() error {
	mains, err := filepath.Glob(filepath.Join(c.root, "functions", "*", "main.go"))
	if err != nil {
		return err
	}
	for _, main := range mains {
		if name := filepath.Base(filepath.Dir(main)); c.tpl.Functions[name].ID == "" {
			c.problem("functions/%s is deployed by no resource of template.yaml", name)
		}
	}
	makefile, err := c.read("Makefile")
	if err != nil {
		return err
	}
	if !strings.Contains(makefile, "functions := $(notdir $(wildcard functions/*))") || !strings.Contains(makefile, "-o .build/$*/bootstrap ./functions/$*") {
		c.problem("the Makefile does not build every folder of functions/ into .build/NAME/bootstrap")
	}
	roles := map[string]string{}
	for _, name := range c.names() {
		f := c.tpl.Functions[name]
		if _, err := os.Stat(filepath.Join(c.root, "functions", name, "main.go")); err != nil {
			c.problem("%s: there is no functions/%s/main.go", f.ID, name)
		}
		if f.CodeURI != ".build/"+name {
			c.problem("%s: its archive is %s, and make build writes .build/%s", f.ID, f.CodeURI, name)
		}
		if c.tpl.Resources[f.Role].Type != "AWS::IAM::Role" {
			c.problem("%s has no role", f.ID)
		}
		if other := roles[f.Role]; other != "" {
			c.problem("%s has the role of %s", f.ID, other)
		}
		roles[f.Role] = f.ID
		if c.tpl.Resources[f.LogGroup].Type != "AWS::Logs::LogGroup" {
			c.problem("%s logs to no group of the stack, which would keep its lines for ever", f.ID)
		}
		if len(f.Routes)+len(f.Streams)+len(f.Schedules) == 0 {
			c.problem("%s is called by nothing", f.ID)
		}
	}
	return nil
}

// optional are the settings that a function starts without, having a default.
var optional = []string{"EVISIT_METRICS", "EVISIT_OPERATORS", "EVISIT_STAFF_IDLE", "GOGC", "GOMEMLIMIT", "OIDC_SECOND_FACTOR"}

// settings checks that each function is given what its code asks for, and nothing else.
func (c *check) settings() error {
	for _, name := range c.names() {
		env := c.tpl.Functions[name].Env
		needs, asked, err := needed(name)
		if err != nil {
			c.problem("%s cannot be made, whatever it is given: %v", name, err)
			continue
		}
		for _, key := range needs {
			if env[key] == "" {
				c.problem("%s needs the setting %s, which template.yaml does not give it", name, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(env)) {
			switch {
			case slices.Contains(needs, key), slices.Contains(optional, key):
			case asked[key]:
				c.problem("%s is given the setting %s, which it does not need", name, key)
			default:
				c.problem("%s is given the setting %s, which nothing reads", name, key)
			}
		}
	}
	return nil
}

// needed lists the settings that a function asks for until it starts, and all names that
// are looked at.
func needed(function string) (needs []string, asked map[string]bool, err error) {
	needs, asked = []string{"EVISIT_TABLE"}, map[string]bool{} // the table is asked for by setup.AWS
	at := aws.Config{Region: "us-east-1"}
	for {
		cfg, err := setup.Load(func(key string) string {
			asked[key] = true
			if slices.Contains(needs, key) {
				return handlers.Sample(key)
			}
			return ""
		})
		if err != nil {
			return nil, nil, err
		}
		err = handlers.Make(function, setup.Parts{
			Config: cfg, Now: func() time.Time { return time.Time{} }, Log: slog.New(slog.DiscardHandler),
			Database: at, Objects: at, Letters: at, Keys: at, Secrets: at,
		})
		if err == nil {
			return needs, asked, nil
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			key, ok := strings.CutSuffix(line, " is not set")
			if !ok || slices.Contains(needs, key) {
				return nil, nil, err
			}
			needs = append(needs, key)
		}
	}
}

// parameters checks that each is explained where they are given, and no other.
func (c *check) parameters() error {
	told := map[string]bool{}
	for line := range strings.Lines(c.docs[deployDoc]) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, span := range spans(cells[1]) {
			if c.tpl.Parameters[span].Description == "" && !strings.Contains(span, "/") {
				c.problem("%s explains the parameter %s, which template.yaml does not have", deployDoc, span)
			}
			told[span] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.tpl.Parameters)) {
		if !told[name] {
			c.problem("%s does not say what to give for the parameter %s", deployDoc, name)
		}
		if c.tpl.Parameters[name].Description == "" {
			c.problem("the parameter %s has no description", name)
		}
	}
	return nil
}

// webhooks checks that the addresses told to Stripe are those that are served.
func (c *check) webhooks() error {
	for output, path := range map[string]string{"PlatformWebhook": webhook.PlatformPath, "ConnectWebhook": webhook.ConnectPath} {
		if got := c.tpl.Outputs[output].Value; got != "https://${DomainName}"+path {
			c.problem("the output %s is %q, and %s is served", output, got, path)
		}
		if owners := c.tpl.Owners("POST", path); !slices.Equal(owners, []string{"stripehook"}) {
			c.problem("%s goes to %q, want stripehook", path, owners)
		}
	}
	return nil
}
