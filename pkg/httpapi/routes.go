package httpapi

import "net/http"

// routes is every operation the API has. The OpenAPI document lists the same
// ones; a test holds the two together.
func (a *API) routes() []Route {
	return []Route{
		{"GET /openapi.json", serveFile("application/json", openapiJSON)},
		{"GET /docs", serveFile("text/html; charset=utf-8", docsHTML)},
		{"GET /health", a.health},

		{"GET /me", a.me},
		{"GET /forms", a.listForms},
		{"GET /forms/{name}", a.currentForm},
		{"GET /forms/{name}/versions/{version}", a.formVersion},
		{"POST /forms/{name}/check", a.checkForm},

		{"POST /visits", a.startVisit},
		{"GET /visits", a.listVisits},
		{"GET /visits/{id}", a.getVisit},
		{"PATCH /visits/{id}/answers", a.saveAnswers},
		{"POST /visits/{id}/quote", a.quote},
		{"POST /visits/{id}/submit", a.submit},
		{"POST /visits/{id}/checkout", a.checkout},
		{"POST /visits/{id}/cancel", a.cancel},
		{"POST /visits/{id}/messages", a.sendMessage},
		{"POST /visits/{id}/acknowledge", a.acknowledge},
		{"GET /visits/{id}/chart", a.chart},
		{"GET /visits/{id}/document", a.document},
		{"GET /visits/{id}/ledger", a.ledger},
		{"GET /visits/{id}/audit", a.trail},

		{"GET /queue", a.queue},
		{"POST /visits/{id}/take", a.take},
		{"POST /visits/{id}/ask", a.askBack},
		{"POST /visits/{id}/answer", a.answer},
		{"POST /visits/{id}/decline", a.decline},
		{"POST /visits/{id}/redirect", a.redirect},

		{"GET /practice", a.practice},
		{"GET /practice/jobs", a.jobs},
		{"GET /practice/log", a.exportLog},
		{"GET /practice/log/checkpoint", a.checkpoint},
		{"GET /practice/log/key", a.logKey},
	}
}

func serveFile(contentType string, content []byte) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", contentType)
		_, err := w.Write(content)
		return err
	}
}

func (a *API) health(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
}
