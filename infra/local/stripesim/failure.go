package stripesim

import "net/http"

// A failure is an error as Stripe tells it to a client. The change that a
// handler made before returning one is kept: a decline leaves its trace.
type failure struct {
	Status        int            `json:"-"`
	Type          string         `json:"type"`
	Code          string         `json:"code,omitempty"`
	DeclineCode   string         `json:"decline_code,omitempty"`
	Message       string         `json:"message"`
	Param         string         `json:"param,omitempty"`
	Charge        string         `json:"charge,omitempty"`
	PaymentIntent map[string]any `json:"payment_intent,omitempty"`
}

func (f *failure) Error() string { return f.Message }

const (
	invalidRequest = "invalid_request_error"
	cardError      = "card_error"
	apiTrouble     = "api_error"
)

// invalid is a refusal of the request's parameters.
func invalid(code, param, msg string) *failure {
	return &failure{Status: http.StatusBadRequest, Type: invalidRequest, Code: code, Param: param, Message: msg}
}

func missing(kind, id, param string) *failure {
	return &failure{
		Status: http.StatusNotFound, Type: invalidRequest, Code: "resource_missing", Param: param,
		Message: "no such " + kind + ": '" + id + "'",
	}
}
