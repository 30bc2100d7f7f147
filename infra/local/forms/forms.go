// Package forms holds the questionnaires of the development system: one common block
// and nine protocols, which are drafts that no medical director has approved. For
// every rule, the tests have examples that fire the rule, near misses that do not, and
// one that would notice if a condition were gone.
//
// The package parses and composes the questionnaires; pkg/intake evaluates them. The
// forms of real practices are not in this package.
package forms

import (
	"embed"
	"fmt"
	"io/fs"

	"evisit/pkg/intake"
)

const commonFile = "evisit-common.json"

//go:embed *.json
var sources embed.FS

// All returns the nine protocols, each composed with the common block, in order of
// name.
func All() ([]*intake.Form, error) {
	common, err := parse(commonFile)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(sources, "*.json")
	if err != nil {
		return nil, fmt.Errorf("listing forms: %w", err)
	}
	var all []*intake.Form
	for _, name := range files {
		if name == commonFile {
			continue
		}
		protocol, err := parse(name)
		if err != nil {
			return nil, err
		}
		f, err := intake.Compose(common, protocol)
		if err != nil {
			return nil, fmt.Errorf("composing %s: %w", name, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// Common returns the common block as a form of its own, with which its rules can be
// tested. No visit uses the common block alone.
func Common() (*intake.Form, error) {
	q, err := parse(commonFile)
	if err != nil {
		return nil, err
	}
	f, err := intake.Alone(q)
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", commonFile, err)
	}
	return f, nil
}

func parse(name string) (*intake.Questionnaire, error) {
	data, err := fs.ReadFile(sources, name)
	if err != nil {
		return nil, fmt.Errorf("reading form %s: %w", name, err)
	}
	q, err := intake.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("parsing form %s: %w", name, err)
	}
	return q, nil
}
