package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// The part of an OpenAPI document that the page shows. Members that are named
// freely keep the order they were written in.
type document struct {
	Info struct {
		Title, Summary, Description string
	}
	Tags       []struct{ Name, Description string }
	Paths      ordered[ordered[operation]]
	Components struct {
		Parameters ordered[parameter]
		Responses  ordered[response]
		Headers    ordered[header]
		Schemas    ordered[schema]
	}
}

type operation struct {
	Tags                 []string
	OperationID          string
	Summary, Description string
	Parameters           []parameter
	RequestBody          *struct {
		Description string
		Content     ordered[media]
	}
	Responses ordered[response]
	Security  *[]any // present and empty: open to everyone
}

type parameter struct {
	Ref         string `json:"$ref"`
	Name, In    string
	Required    bool
	Description string
	Schema      schema
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     ordered[header]
	Content     ordered[media]
}

type header struct {
	Ref         string `json:"$ref"`
	Description string
}

type media struct {
	Schema  schema
	Example json.RawMessage
}

type schema struct {
	Ref         string `json:"$ref"`
	Type        any
	Description string
	Format      string
	Const       any
	Enum        []string
	Items       *schema
	AllOf       []schema
	AnyOf       []schema
	Required    []string
	Properties  ordered[schema]
}

// An ordered is a JSON object whose members keep their order.
type ordered[T any] []named[T]

type named[T any] struct {
	Name string
	Of   T
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *ordered[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("an object is expected, not %v: %w", t, err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		member := named[T]{Name: fmt.Sprint(name)}
		if err := d.Decode(&member.Of); err != nil {
			return fmt.Errorf("reading %s: %w", member.Name, err)
		}
		*o = append(*o, member)
	}
	return nil
}

func (o ordered[T]) named(ref string) (T, error) {
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	for _, m := range o {
		if m.Name == name {
			return m.Of, nil
		}
	}
	var none T
	return none, fmt.Errorf("the document has no %s", ref)
}
