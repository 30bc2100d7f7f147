package stripesim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// serveControl registers the routes under /sim, by which scripts control the
// simulator. They need no key, because the simulator listens on loopback only.
func (s *Sim) serveControl() {
	s.serveHand()
	s.mux.HandleFunc("GET /sim/oracle", s.serveOracle)
	s.mux.HandleFunc("POST /sim/pay", s.servePay)
	s.mux.HandleFunc("POST /sim/portal", s.serveOwnPortal)
	s.mux.HandleFunc("GET /sim/webhooks", s.serveWebhooks)
	s.mux.HandleFunc("GET /sim/calls", s.serveCalls)
	s.mux.HandleFunc("POST /sim/tick", s.serveTick)
	s.mux.HandleFunc("GET /sim/faults", s.serveFaults)
	s.mux.HandleFunc("POST /sim/faults", s.serveAddFault)
	s.mux.HandleFunc("DELETE /sim/faults", s.serveClearFaults)
	s.mux.HandleFunc("DELETE /sim/faults/{id}", s.serveClearFaults)
}

// AddFault adds a fault, for the calls or deliveries that f matches.
func (s *Sim) AddFault(f Fault) (Fault, error) { return s.faults.add(f) }

// ClearFaults removes all faults, so that webhooks held back are delivered.
func (s *Sim) ClearFaults() {
	s.faults.clear("")
	s.wakeUp()
}

func (s *Sim) serveOracle(w http.ResponseWriter, r *http.Request) {
	out, err := s.Oracle(r.Context(), r.FormValue("account"))
	s.control(w, r, out, err)
}

func (s *Sim) serveCalls(w http.ResponseWriter, r *http.Request) {
	s.control(w, r, struct {
		Calls int64 `json:"calls"`
	}{s.calls.Load()}, nil)
}

func (s *Sim) servePay(w http.ResponseWriter, r *http.Request) {
	var p struct {
		Session      string `json:"session"`
		Card         string `json:"card"`
		Authenticate *bool  `json:"authenticate"`
	}
	if err := readJSON(w, r, &p); err != nil {
		s.control(w, r, nil, err)
		return
	}
	out, err := s.Pay(r.Context(), p.Session, p.Card, p.Authenticate)
	s.control(w, r, out, err)
}

// serveWebhooks lists the pending deliveries, or with all=1 every delivery.
func (s *Sim) serveWebhooks(w http.ResponseWriter, r *http.Request) {
	query := selectDeliveries + `WHERE state <> 'delivered' ORDER BY d.id`
	if r.FormValue("all") != "" {
		query = selectDeliveries + `ORDER BY d.id`
	}
	out := []Delivery{}
	err := s.update(r.Context(), Platform, origin{}, func(ctx context.Context, t *tx) error {
		found, err := t.deliveries(ctx, query)
		out = append(out, found...)
		return err
	})
	s.control(w, r, out, err)
}

// serveTick runs Tick.
func (s *Sim) serveTick(w http.ResponseWriter, r *http.Request) {
	s.Tick(r.Context())
	s.control(w, r, struct{}{}, nil)
}

func (s *Sim) serveFaults(w http.ResponseWriter, r *http.Request) {
	s.control(w, r, s.faults.all(), nil)
}

func (s *Sim) serveAddFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if err := readJSON(w, r, &f); err != nil {
		s.control(w, r, nil, err)
		return
	}
	added, err := s.AddFault(f)
	if err != nil {
		err = invalid("", "", err.Error())
	}
	s.control(w, r, added, err)
}

func (s *Sim) serveClearFaults(w http.ResponseWriter, r *http.Request) {
	s.faults.clear(r.PathValue("id"))
	s.wakeUp()
	s.control(w, r, struct{}{}, nil)
}

func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return invalid("", "", "the body cannot be read: "+err.Error())
	}
	return nil
}

func (s *Sim) control(w http.ResponseWriter, r *http.Request, v any, err error) {
	var clientErr *failure
	if errors.As(err, &clientErr) {
		write(w, clientErr.reply())
		return
	}
	body, encErr := json.Marshal(v)
	if err = errors.Join(err, encErr); err != nil {
		s.opt.Log.ErrorContext(r.Context(), "stripe simulator's control failed", "path", r.URL.Path, "err", err)
		write(w, (&failure{Status: http.StatusInternalServerError, Type: apiTrouble, Message: err.Error()}).reply())
		return
	}
	write(w, &reply{status: http.StatusOK, body: body})
}
