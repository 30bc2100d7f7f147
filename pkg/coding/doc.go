// Package coding measures what may be billed of an online visit: the active minutes
// of clinicians, nurses and staff apart, from the server's times. What a code is worth
// is package fee, and the codes of diagnoses are package icd.
package coding
