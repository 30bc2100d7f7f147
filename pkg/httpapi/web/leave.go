package web

import "net/http"

// neutralPage is a page that anybody may have open.
const neutralPage = "https://www.weather.gov/"

// leave leads away from the site at once, for who must not be seen on it. It forgets
// here who is signed in and what the browser keeps of these pages, so that going back
// shows nothing; without a script the address of the last page stays in its history.
func (s *site) leave(w http.ResponseWriter, r *http.Request) error {
	if from := r.Header.Get("Sec-Fetch-Site"); oneOf(from, "", "none", "same-origin") {
		s.setCookie(w, sessionCookie, "", -1)
		w.Header().Set("Clear-Site-Data", `"cache"`)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	return redirect(w, neutralPage)
}
