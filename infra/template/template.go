// Package template reads template.yaml as far as tests and the local system ask
// about it: which function has which routes, settings, streams and permissions,
// with Globals applied. It reads no other template; whether this one is sound
// CloudFormation is for cfn-lint to say.
package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Template is a template's resources and functions.
type Template struct {
	Resources map[string]Resource
	Functions map[string]Function // by folder below functions/
	// Parameters and Outputs are what is asked and told when it is deployed.
	Parameters map[string]Parameter
	Outputs    map[string]struct{ Value string }
	// PartitionKeys names the partition key of each index of the table, and of
	// the table itself as index "".
	PartitionKeys map[string]string
}

// A Parameter is what is asked when the template is deployed.
type Parameter struct {
	Description string
}

// A Resource is one thing made. An intrinsic function in its properties reads
// as its argument: !Ref Table as "Table".
type Resource struct {
	Type                string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          json.RawMessage
}

// A Function is what the template makes of one folder of functions/.
type Function struct {
	ID         string // of the resource
	CodeURI    string
	Handler    string
	Runtime    string
	Arch       string
	LogFormat  string
	LogGroup   string
	Role       string // its resource
	Tracing    string
	Timeout    int               // seconds
	Env        map[string]string // as written, globals included
	Routes     []Route
	Streams    []Stream
	Schedules  []string
	Statements []Statement // of its role and the policies attached to it
}

// A Route is one of the gateway's. A path ending in /{proxy+} serves every
// path below.
type Route struct{ Method, Path string }

// A Stream is a function's mapping to the table's stream.
type Stream struct {
	Stream                     string
	FilterCriteria             struct{ Filters []struct{ Pattern string } }
	FunctionResponseTypes      []string
	BisectBatchOnFunctionError bool
	MaximumRetryAttempts       *int // nil is until the record expires, a day
	BatchSize                  int
	DestinationConfig          struct {
		OnFailure struct{ Type, Destination string }
	}
}

// A Statement allows actions on resources: on some rows only if LeadingKeys
// names any, and with some attributes only if Attributes does. All but Sid and
// Effect are patterns for Like.
type Statement struct {
	Sid         string
	Effect      string
	Actions     []string
	Resources   []string
	LeadingKeys []string
	Attributes  []string
}

// Find names the template of the source that this program was built from. A
// program built with -trimpath does not know its source and looks in the working
// directory and above.
func Find() (string, error) {
	const name = "template.yaml"
	_, source, _, _ := runtime.Caller(0)
	if file := filepath.Join(filepath.Dir(source), "..", "..", name); filepath.IsAbs(source) && exists(file) {
		return file, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", name, err)
	}
	for {
		if file := filepath.Join(dir, name); exists(file) {
			return file, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("there is no %s in the working directory or above; run inside the repository", name)
		}
		dir = parent
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Read reads the template in the file called name.
func Read(name string) (Template, error) {
	b, err := os.ReadFile(name) //nolint:gosec // the caller names its own template
	if err != nil {
		return Template{}, err
	}
	var raw struct {
		Globals    struct{ Function function }
		Parameters map[string]Parameter
		Resources  map[string]Resource
		Outputs    map[string]struct{ Value string }
	}
	if err := decode(b, &raw); err != nil {
		return Template{}, fmt.Errorf("reading %s: %w", name, err)
	}
	t := Template{Resources: raw.Resources, Functions: map[string]Function{}, Parameters: raw.Parameters, Outputs: raw.Outputs}
	if t.PartitionKeys, err = t.partitionKeys(); err != nil {
		return Template{}, fmt.Errorf("reading %s: %w", name, err)
	}
	for id, r := range t.Resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		f, err := t.function(id, raw.Globals.Function)
		if err != nil {
			return Template{}, fmt.Errorf("reading %s: %s: %w", name, id, err)
		}
		t.Functions[path.Base(f.CodeURI)] = f
	}
	return t, nil
}

// decode reads YAML into v by way of JSON, whose decoder fits the camel case
// of CloudFormation to ours.
func decode(b []byte, v any) error {
	var n yaml.Node
	if err := yaml.Unmarshal(b, &n); err != nil {
		return err
	}
	plain(&n)
	var tree any
	if err := n.Decode(&tree); err != nil {
		return err
	}
	b, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// plain drops the tags of intrinsic functions, which leaves their arguments; !If leaves
// what it is if its condition holds.
func plain(n *yaml.Node) {
	if n.Tag == "!If" && len(n.Content) == 3 {
		*n = *n.Content[1]
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		n.Tag = ""
		if n.Kind == yaml.ScalarNode {
			n.Tag = "!!str"
		}
	}
	for _, c := range n.Content {
		plain(c)
	}
}

func (t Template) partitionKeys() (map[string]string, error) {
	type schema []struct{ AttributeName, KeyType string }
	var table struct {
		KeySchema              schema
		GlobalSecondaryIndexes []struct {
			IndexName string
			KeySchema schema
		}
	}
	if err := t.Decode("Table", &table); err != nil {
		return nil, err
	}
	keys := map[string]string{}
	add := func(index string, s schema) {
		for _, k := range s {
			if k.KeyType == "HASH" {
				keys[index] = k.AttributeName
			}
		}
	}
	add("", table.KeySchema)
	for _, i := range table.GlobalSecondaryIndexes {
		add(i.IndexName, i.KeySchema)
	}
	return keys, nil
}

// Decode reads a resource's properties into v as JSON.
func (t Template) Decode(id string, v any) error {
	r, ok := t.Resources[id]
	if !ok {
		return fmt.Errorf("there is no resource %s", id)
	}
	return fields(r.Properties, v)
}

// fields reads properties into a struct, whose fields are named like them.
func fields(properties json.RawMessage, v any) error { return json.Unmarshal(properties, v) }

// function is a function as written. Decoding one over the globals applies
// them, except to maps, which CloudFormation merges.
type function struct {
	CodeURI       string
	Handler       string
	Runtime       string
	Role          string
	Tracing       string
	Architectures []string
	Timeout       int
	LoggingConfig struct{ LogFormat, LogGroup string }
	Environment   struct{ Variables map[string]string }
	Events        map[string]struct {
		Type       string
		Properties json.RawMessage
	}
}

func (t Template) function(id string, globals function) (Function, error) {
	raw := globals
	raw.Environment.Variables = nil
	if err := t.Decode(id, &raw); err != nil {
		return Function{}, err
	}
	f := Function{
		ID: id, CodeURI: raw.CodeURI, Handler: raw.Handler, Runtime: raw.Runtime, Arch: strings.Join(raw.Architectures, ","),
		LogFormat: raw.LoggingConfig.LogFormat, LogGroup: raw.LoggingConfig.LogGroup, Role: strings.TrimSuffix(raw.Role, ".Arn"), Tracing: raw.Tracing, Timeout: raw.Timeout, Env: map[string]string{},
	}
	maps.Copy(f.Env, globals.Environment.Variables)
	maps.Copy(f.Env, raw.Environment.Variables)
	for _, name := range slices.Sorted(maps.Keys(raw.Events)) {
		if err := f.event(raw.Events[name].Type, raw.Events[name].Properties); err != nil {
			return Function{}, fmt.Errorf("event %s: %w", name, err)
		}
	}
	var err error
	f.Statements, err = t.statements(f.Role)
	return f, err
}

func (f *Function) event(kind string, properties json.RawMessage) error {
	switch kind {
	case "HttpApi":
		var r Route
		if err := fields(properties, &r); err != nil {
			return err
		}
		f.Routes = append(f.Routes, r)
	case "DynamoDB":
		var s Stream
		if err := fields(properties, &s); err != nil {
			return err
		}
		f.Streams = append(f.Streams, s)
	case "Schedule":
		var s struct{ Schedule string }
		if err := fields(properties, &s); err != nil {
			return err
		}
		f.Schedules = append(f.Schedules, s.Schedule)
	default:
		return fmt.Errorf("events of type %s are not known here", kind)
	}
	return nil
}
