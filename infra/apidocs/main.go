// Command apidocs writes the API's OpenAPI document of what the endpoints of
// pkg/httpapi declare, and the page at /docs of the document, so that what is
// served, what programs read and what people read are one text. Run it in
// pkg/httpapi, with the module's root:
//
//	apidocs ../..
package main

import (
	"errors"
	"fmt"
	"os"

	"evisit/pkg/httpapi"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "apidocs:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("name the module's root")
	}
	doc, err := openapi(httpapi.Endpoints(), "document", args[0])
	if err != nil {
		return err
	}
	page, err := render(doc)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"openapi.json": doc, "docs.html": page} {
		if err := os.WriteFile(name, content, 0o644); err != nil { //nolint:gosec // both are served to everyone
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}
