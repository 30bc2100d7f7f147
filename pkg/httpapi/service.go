package httpapi

var getDocument = Endpoint{
	Method: "GET", Path: "/openapi.json", ID: "getDocument", Group: "Service",
	For:  "Read this document",
	Text: "The API's own description, as OpenAPI 3.1. It lists every address served, and no other.",
	Out:  Foreign("OpenAPI"), OutText: "This document.",
	Serve: func(*API, *Request) (Reply, error) { return Reply{Body: openapiJSON}, nil },
}

var getDocs = Endpoint{
	Method: "GET", Path: "/docs", ID: "getDocs", Group: "Service",
	For:  "Read this document as a page",
	Text: "The same description for people, with a first visit step by step.",
	Out:  "", Type: "text/html; charset=utf-8", OutText: "A page.",
	Serve: func(*API, *Request) (Reply, error) { return Reply{Body: docsHTML}, nil },
}

var getHealth = Endpoint{
	Method: "GET", Path: "/health", ID: "getHealth", Group: "Service",
	For:  "Ask whether the API is up",
	Text: "For load balancers and scripts that wait for a start. It reads nothing.",
	Out:  healthReply{}, OutText: "It is.",
	Serve: func(*API, *Request) (Reply, error) { return Reply{Body: healthReply{"ok"}}, nil },
}

type healthReply struct {
	Status string `json:"status" schema:"const=ok"`
}
