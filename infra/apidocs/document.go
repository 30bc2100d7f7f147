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
		Title       string `json:"title"`
		Summary     string `json:"summary"`
		Description string `json:"description"`
	} `json:"info"`
	Tags []struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"tags"`
	Paths      ordered[ordered[operation]] `json:"paths"`
	Components struct {
		Parameters ordered[parameter] `json:"parameters"`
		Responses  ordered[response]  `json:"responses"`
		Schemas    ordered[schema]    `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Tags        []string    `json:"tags"`
	OperationID string      `json:"operationId"`
	Summary     string      `json:"summary"`
	Description string      `json:"description"`
	Parameters  []parameter `json:"parameters"`
	RequestBody *struct {
		Description string         `json:"description"`
		Content     ordered[media] `json:"content"`
	} `json:"requestBody"`
	Responses ordered[response] `json:"responses"`
	Security  *[]any            `json:"security"` // present and empty: open to everyone
}

type parameter struct {
	Ref         string `json:"$ref"`
	Name        string `json:"name"`
	In          string `json:"in"`
	Required    bool   `json:"required"`
	Description string `json:"description"`
	Schema      schema `json:"schema"`
}

type response struct {
	Ref         string            `json:"$ref"`
	Description string            `json:"description"`
	Headers     ordered[struct{}] `json:"headers"`
	Content     ordered[media]    `json:"content"`
}

type media struct {
	Schema  schema          `json:"schema"`
	Example json.RawMessage `json:"example"`
}

type schema struct {
	Ref         string          `json:"$ref"`
	Type        any             `json:"type"`
	Description string          `json:"description"`
	Format      string          `json:"format"`
	Const       any             `json:"const"`
	Enum        []string        `json:"enum"`
	Items       *schema         `json:"items"`
	AllOf       []schema        `json:"allOf"`
	AnyOf       []schema        `json:"anyOf"`
	Required    []string        `json:"required"`
	Properties  ordered[schema] `json:"properties"`
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

// MarshalJSON implements json.Marshaler.
func (o ordered[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := encode(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := encode(m.Of)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", m.Name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal that leaves HTML as it is.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
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
