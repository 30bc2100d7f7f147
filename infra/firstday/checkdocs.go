package main

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"evisit/infra/restricted"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/web"
)

// An alarm is what it watches.
type alarm struct {
	AlarmActions       []string
	MetricName         string
	ComparisonOperator string
	Dimensions         []struct{ Value string }
	Metrics            []struct {
		MetricStat struct {
			Metric struct {
				MetricName string
				Dimensions []struct{ Value string }
			}
		}
	}
}

func (a alarm) watches(metric, id string) bool {
	if a.MetricName == metric && len(a.Dimensions) == 1 && a.Dimensions[0].Value == id {
		return true
	}
	for _, m := range a.Metrics {
		if s := m.MetricStat.Metric; s.MetricName == metric && len(s.Dimensions) == 1 && s.Dimensions[0].Value == id {
			return true
		}
	}
	return false
}

// alarms checks that each function is watched, that each alarm reaches somebody, and
// that who is reached can read what to do.
func (c *check) alarms() error {
	all := map[string]alarm{}
	for id, r := range c.tpl.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		var a alarm
		if err := c.tpl.Decode(id, &a); err != nil {
			return err
		}
		all[id] = a
		if !slices.Equal(a.AlarmActions, []string{"Alarms"}) {
			c.problem("%s reaches nobody", id)
		}
	}
	for _, name := range c.names() {
		f := c.tpl.Functions[name]
		watched := func(id, metric string) {
			if !all[id].watches(metric, f.ID) {
				c.problem("%s does not watch %s of %s", id, metric, f.ID)
			}
		}
		watched("ErrorsAlarm", "Errors")
		watched("ThrottlesAlarm", "Throttles")
		if len(f.Streams) > 0 {
			watched("BehindAlarm", "IteratorAge")
		}
		stops := func(a alarm) bool {
			return a.ComparisonOperator == "LessThanThreshold" && a.watches("Invocations", f.ID)
		}
		if len(f.Schedules) > 0 && !slices.ContainsFunc(slices.Collect(maps.Values(all)), stops) {
			c.problem("no alarm tells that %s does not run", f.ID)
		}
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (\w+Alarm)$`).FindAllStringSubmatch(c.docs[runDoc], -1) {
		told[m[1]] = true
		if _, there := all[m[1]]; !there {
			c.problem("%s has a section %s, and template.yaml no such alarm", runDoc, m[1])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if !told[id] {
			c.problem("%s does not say what to do at %s", runDoc, id)
		}
	}
	return nil
}

// code is what the text has in code spans and blocks, with lines that go on joined.
func code(text string) []string {
	var out []string
	block := regexp.MustCompile("(?ms)^ *```.*?^ *```")
	for _, b := range block.FindAllString(text, -1) {
		lines := strings.Split(strings.ReplaceAll(b, "\\\n", " "), "\n")
		out = append(out, lines[1:len(lines)-1]...)
	}
	return append(out, spans(block.ReplaceAllString(text, ""))...)
}

// spans lists the code spans of a text, which may go over the end of a line.
func spans(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		out = append(out, strings.Join(strings.Fields(m[1]), " "))
	}
	return out
}

var (
	ours   = regexp.MustCompile(`go run (\./[\w/]+)([^)|;]*)`)
	target = regexp.MustCompile(`(?:^|[;&(] *)make ([a-z-]+)`)
	option = regexp.MustCompile(`(?:^|\s)-([a-z][a-z-]*)`)
)

// commands checks that the commands of ours in the documents exist, with their options.
func (c *check) commands() error {
	makefile, err := c.read("Makefile")
	if err != nil {
		return err
	}
	for _, doc := range []string{deployDoc, runDoc} {
		for _, line := range code(c.docs[doc]) {
			for _, m := range target.FindAllStringSubmatch(line, -1) {
				if !regexp.MustCompile(`(?m)^` + m[1] + `:`).MatchString(makefile) {
					c.problem("%s says make %s, which the Makefile does not have", doc, m[1])
				}
			}
			for _, m := range ours.FindAllStringSubmatch(line, -1) {
				c.program(doc, m[1], strings.Fields(m[2]), option.FindAllStringSubmatch(m[2], -1))
			}
		}
	}
	return nil
}

func (c *check) program(doc, dir string, args []string, options [][]string) {
	source, err := os.ReadFile(filepath.Join(c.root, dir, "main.go")) //nolint:gosec // a file of our own source
	if err != nil {
		c.problem("%s says go run %s, which is no command", doc, dir)
		return
	}
	has := func(name string) bool { return strings.Contains(string(source), `"`+name+`"`) }
	what := dir
	if dir == "./infra/firstday" {
		if len(args) == 0 {
			return
		}
		cmd, known := newCommand(args[0], func(string) string { return "" }, io.Discard)
		what += " " + args[0]
		if !known {
			c.problem("%s says go run %s, which is no command", doc, what)
			return
		}
		has = func(name string) bool { return cmd.flags.Lookup(name) != nil }
	}
	for _, o := range options {
		if !has(o[1]) {
			c.problem("%s says go run %s with -%s, which it does not take", doc, what, o[1])
		}
	}
}

// restrictions checks that the keys of Stripe's that are to be made may do what the
// functions' code does, and no more.
func (c *check) restrictions() error {
	for _, name := range slices.Sorted(maps.Keys(restricted.Keys)) {
		row := regexp.MustCompile("(?m)^ *\\| `evisit/STAGE/" + name + "` \\|(.*)\\|$").FindStringSubmatch(c.docs[deployDoc])
		if row == nil {
			c.problem("%s does not say what the key of Stripe's in the secret %s may do", deployDoc, name)
			continue
		}
		var told []string
		for _, m := range regexp.MustCompile(`([A-Z][A-Za-z ]+): (read|write)`).FindAllStringSubmatch(row[1], -1) {
			told = append(told, strings.ReplaceAll(strings.ToLower(m[1]), " ", "_")+":"+m[2])
		}
		want := slices.Sorted(slices.Values(restricted.Keys[name]))
		if slices.Sort(told); !slices.Equal(told, want) {
			c.problem("%s gives the key in the secret %s %q, and it needs %q", deployDoc, name, told, want)
		}
	}
	return nil
}

var (
	endpoint = regexp.MustCompile(`^(GET|POST|PUT|DELETE|PATCH) (/\S*)$`)
	page     = regexp.MustCompile(`^/(?:manage|desk|my|join)\b\S*$`)
	file     = regexp.MustCompile(`^(?:infra|pkg|functions|events)/[\w./-]+$`)
	output   = regexp.MustCompile(`(?:OutputKey=='|\$\(out |^out )(\w+)`)
)

// references checks that endpoints, files and outputs in the documents exist.
func (c *check) references() error {
	text, err := c.read("pkg/httpapi/openapi.json")
	if err != nil {
		return err
	}
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(text), &api); err != nil {
		return err
	}
	for _, doc := range []string{deployDoc, runDoc} {
		for _, span := range code(c.docs[doc]) {
			if m := endpoint.FindStringSubmatch(span); m != nil && api.Paths[m[2]][strings.ToLower(m[1])] == nil {
				c.problem("%s names %s, which the API does not have", doc, span)
			}
			if page.MatchString(span) && !slices.Contains(web.Patterns(httpapi.ByAPI, httpapi.ByRegistry), "GET "+span) {
				c.problem("%s names the page %s, which is not served", doc, span)
			}
			if file.MatchString(span) {
				if _, err := os.Stat(filepath.Join(c.root, span)); err != nil {
					c.problem("%s names %s, which is not there", doc, span)
				}
			}
			for _, m := range output.FindAllStringSubmatch(span, -1) {
				if _, there := c.tpl.Outputs[m[1]]; !there {
					c.problem("%s asks for the output %s, which template.yaml does not have", doc, m[1])
				}
			}
		}
	}
	return nil
}
