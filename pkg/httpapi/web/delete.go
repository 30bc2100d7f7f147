package web

import (
	"net/http"
	"strings"

	"evisit/pkg/clinic/session"
)

// A deleteView asks whether a draft is to be deleted.
type deleteView struct {
	Visit, Form string
	Complaints  []complaint
}

func deletePath(visit string) string { return myPath(visit) + "/delete" }

// confirmDelete asks once whether a draft is to be deleted.
func (s *site) confirmDelete(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showDelete(w, r, v, nil, http.StatusOK)
}

func (s *site) showDelete(w http.ResponseWriter, r *http.Request, v visitor, wrong []complaint, code int) error {
	d, done, err := s.draft(w, r, v)
	if done || err != nil {
		return err
	}
	const title = "Delete this request?"
	view := deleteView{Visit: d.Visit.ID, Form: d.Form.Title(), Complaints: wrong}
	return s.show(w, &v, page{view: "delete", title: errorTitle(title, wrong), data: view, code: code, leave: d.Form.Private()})
}

// deleteDraft deletes a draft, and what the visitor posted to it that is kept.
func (s *site) deleteDraft(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	if _, err := s.Request.Delete(r.Context(), v.Caller, id); err != nil {
		code, text, ok := explain(err)
		if !ok {
			return err
		}
		return s.showDelete(w, r, v, aboutPage(text), code)
	}
	if err := s.dropKept(r, v, myPath(id)+"/"); err != nil {
		return err
	}
	return redirect(w, "/my?deleted=1")
}

// dropKept ends the keeping of the visitor's forms that were posted below a path.
func (s *site) dropKept(r *http.Request, v visitor, below string) error {
	kept, err := s.sessions.Forms(r.Context(), session.Visits, v.Proof)
	if err != nil {
		return err
	}
	for _, f := range kept {
		if !strings.HasPrefix(f.Path, below) {
			continue
		}
		if err := s.sessions.Drop(r.Context(), session.Visits, v.Proof, f.ID); err != nil {
			return err
		}
	}
	return nil
}
