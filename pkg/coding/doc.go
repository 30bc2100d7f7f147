// Package coding decides which code of an online visit may be billed, and why, or
// why none, from minutes and facts. A decision is of its arguments alone: the same
// facts give the same outcome. A fact that is not known is asked for, and holds
// the outcome; nothing is assumed.
//
// Each rule is a row of a table with the days on which it is in force, its source,
// and a function; the outcome says of each rule what it decided and by which fact.
// Codes, kinds of clinicians and what payers accept are data beside it. Measuring
// minutes from the server's times is here too. What a code is worth is package fee,
// and the codes of diagnoses are package icd.
//
// The codes are of the American Medical Association's CPT, whose texts are not
// copied: labels are our own. Decided are 99421 to 99423 and 98970 to 98972, the
// codes of asynchronous visits; not check-ins by voice (98016, G2251, G2252), images
// alone (G2010, G2250) or the scoring of instruments (96127).
package coding
