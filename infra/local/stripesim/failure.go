package stripesim

import "net/http"

// A failure is an error that Stripe returns to a client. The changes that a handler
// made before a failure are kept, such as the charge of a declined card.
type failure struct {
	Status        int            `json:"-"`
	Type          string         `json:"type"`
	Code          string         `json:"code,omitempty"`
	DeclineCode   string         `json:"decline_code,omitempty"`
	Message       string         `json:"message"`
	Param         string         `json:"param,omitempty"`
	Charge        string         `json:"charge,omitempty"`
	PaymentIntent map[string]any `json:"payment_intent,omitempty"`
	PaymentMethod map[string]any `json:"payment_method,omitempty"`
}

func (f *failure) Error() string { return f.Message }

const (
	invalidRequest = "invalid_request_error"
	cardError      = "card_error"
	apiTrouble     = "api_error"
)

// invalid returns the failure of a request with a wrong parameter.
func invalid(code, param, msg string) *failure {
	return &failure{Status: http.StatusBadRequest, Type: invalidRequest, Code: code, Param: param, Message: msg}
}

func missing(kind, id, param string) *failure {
	return &failure{
		Status: http.StatusNotFound, Type: invalidRequest, Code: "resource_missing", Param: param,
		Message: "no such " + kind + ": '" + id + "'",
	}
}
