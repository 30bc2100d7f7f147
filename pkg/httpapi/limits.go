package httpapi

import (
	"net/http"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/limits"
	"evisit/pkg/httpapi/exchange"
)

// CountFailedProof counts that r came with a proof that failed with why. It
// returns why, or the refusal of an address from which too many came.
func (rooms Rooms) CountFailedProof(r *http.Request, why error) error {
	if err := rooms.Limits.Count(r.Context(), limits.FailedProofs, limits.Address(exchange.ClientIP(r))); err != nil {
		return err
	}
	return why
}

// CountSignIn counts a step of a sign-in by r's address.
func (rooms Rooms) CountSignIn(r *http.Request) error {
	return rooms.Limits.Count(r.Context(), limits.SignIns, limits.Address(exchange.ClientIP(r)))
}

// CountWrite counts that r asks for a write, by the holder of a proof and by its
// address. A request that only reads is not counted.
func (rooms Rooms) CountWrite(r *http.Request, by clinic.Proof) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if err := rooms.Limits.Count(r.Context(), limits.PersonWrites, by.Issuer+" "+by.Subject); err != nil {
		return err
	}
	return rooms.Limits.Count(r.Context(), limits.AddressWrites, limits.Address(exchange.ClientIP(r)))
}
