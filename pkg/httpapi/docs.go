package httpapi

import _ "embed"

// The API's description, and a page that reads it to people.
var (
	//go:embed openapi.json
	openapiJSON []byte
	//go:embed docs.html
	docsHTML []byte
)
