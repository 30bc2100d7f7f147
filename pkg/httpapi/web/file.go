package web

import (
	"net/http"
	"strconv"
)

// sendFile sends a file, which the browser saves and does not keep elsewhere.
func sendFile(w http.ResponseWriter, kind, name string, file []byte) error {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(file)))
	h.Set("Cache-Control", "no-store")
	_, err := w.Write(file) //nolint:gosec // a file that is saved, of a type that is said
	return err
}
