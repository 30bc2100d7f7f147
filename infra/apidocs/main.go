// Command apidocs writes the page at /docs from the OpenAPI document, so that
// what people read and what programs read are one text.
//
//	apidocs openapi.json docs.html
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "apidocs:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("name the document and the page")
	}
	doc, err := os.ReadFile(args[0]) //nolint:gosec // the developer names the file
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	page, err := render(doc)
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[1], page, 0o644); err != nil { //nolint:gosec // a public page
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}
