// Package library holds the questionnaires that a practice may begin with: the common
// block, with which every form begins, and nine protocols, which no medical director has
// approved. Each has the examples that show its rules: for every rule, answers that fire
// it, a near miss, and one that would notice if a condition were gone.
//
// A practice adopts a protocol into a draft of its own, and its medical director approves
// it there; pkg/intake evaluates it. A program that imports this package carries all of its text.
package library

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"evisit/pkg/intake"
	"evisit/pkg/protocol"
)

const common = "evisit-common"

//go:embed protocols/*.json protocols/examples/*.json
var files embed.FS

// A Protocol is a questionnaire of the library.
type Protocol struct {
	Name     string
	Source   []byte // a FHIR Questionnaire
	Examples []byte // of its own rules, as intake.ParseExamples reads them
}

// Protocols returns the nine protocols in order of name.
func Protocols() ([]Protocol, error) {
	found, err := fs.Glob(files, "protocols/*.json")
	if err != nil {
		return nil, fmt.Errorf("listing the library: %w", err)
	}
	var all []Protocol
	for _, file := range found {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "protocols/"), ".json")
		if name == common {
			continue
		}
		p, err := read(name)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func read(name string) (Protocol, error) {
	source, err := files.ReadFile("protocols/" + name + ".json")
	if err != nil {
		return Protocol{}, fmt.Errorf("reading protocol %s: %w", name, err)
	}
	examples, err := files.ReadFile("protocols/examples/" + name + ".json")
	if err != nil {
		return Protocol{}, fmt.Errorf("reading the examples of %s: %w", name, err)
	}
	return Protocol{Name: name, Source: source, Examples: examples}, nil
}

// CommonBlock returns what every form begins and ends with.
func CommonBlock() (*intake.Questionnaire, error) {
	p, err := read(common)
	if err != nil {
		return nil, err
	}
	q, err := intake.Parse(p.Source)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", common, err)
	}
	return q, nil
}

// Load returns the library as a practice may begin with it.
func Load() (protocol.Library, error) {
	block, err := CommonBlock()
	if err != nil {
		return protocol.Library{}, err
	}
	protocols, err := Protocols()
	l := protocol.Library{Common: block}
	for _, p := range protocols {
		l.Protocols = append(l.Protocols, protocol.Entry{Name: p.Name, Source: protocol.Source{Questionnaire: p.Source, Examples: p.Examples}})
	}
	return l, err
}

// All returns the nine protocols, each composed with the common block, in order of
// name.
func All() ([]*intake.Form, error) {
	block, err := CommonBlock()
	if err != nil {
		return nil, err
	}
	protocols, err := Protocols()
	if err != nil {
		return nil, err
	}
	var all []*intake.Form
	for _, p := range protocols {
		f, err := intake.Publish(block, p.Source)
		if err != nil {
			return nil, fmt.Errorf("composing %s: %w", p.Name, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// Common returns the common block as a form of its own, with which its rules can be
// tested. No visit uses the common block alone.
func Common() (*intake.Form, error) {
	q, err := CommonBlock()
	if err != nil {
		return nil, err
	}
	f, err := intake.Alone(q)
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", common, err)
	}
	return f, nil
}
