package clock

import (
	"encoding/json"
	"net/http"
	"time"

	"evisit/pkg/fault"
)

// Handler serves GET /dev/clock, which returns the time, and POST /dev/clock
// {"advance":"36h"}, which moves the clock and returns the new time after the hooks
// have run. Posts from a page of another origin are refused.
func (c *Clock) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/clock", c.get)
	mux.HandleFunc("POST /dev/clock", c.post)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (c *Clock) get(w http.ResponseWriter, _ *http.Request) {
	now, offset := c.timeAndOffset()
	reply(w, http.StatusOK, struct {
		Now    time.Time `json:"now"`
		Offset string    `json:"offset"`
	}{now, offset.String()})
}

func (c *Clock) post(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string `json:"advance"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, `Send {"advance":"36h"}.`)
		return
	}
	d, err := time.ParseDuration(in.Advance)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, `"advance" is a duration such as "90s", "15m" or "36h".`)
		return
	}
	if _, err := c.Advance(d); err != nil {
		if f, ok := fault.Public(err); ok {
			refuse(w, http.StatusUnprocessableEntity, f.Text)
			return
		}
		refuse(w, http.StatusInternalServerError, "The clock's file could not be written; it has not moved.")
		return
	}
	c.get(w, r)
}

func refuse(w http.ResponseWriter, code int, text string) {
	reply(w, code, struct {
		Error string `json:"error"`
	}{text})
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// An error cannot be reported, because the status is already sent.
	_ = json.NewEncoder(w).Encode(v)
}
