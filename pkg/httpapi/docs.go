package httpapi

import _ "embed"

//go:generate go run evisit/infra/apidocs ../..

// The API's description and a page that reads it to people, generated from the
// endpoints, the comments of their requests and replies, and the folder
// document, so that a start costs nothing.
var (
	//go:embed openapi.json
	openapiJSON []byte
	//go:embed docs.html
	docsHTML []byte
)

// Document returns the API's OpenAPI document, as served at /openapi.json.
func Document() []byte { return append([]byte(nil), openapiJSON...) }
