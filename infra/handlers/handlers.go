// Package handlers makes the handler of any function by its name, for checks and tests
// that look at all of them.
package handlers

import (
	"fmt"

	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/setup/charge"
	"evisit/pkg/setup/deadline"
	"evisit/pkg/setup/notify"
	"evisit/pkg/setup/registry"
	"evisit/pkg/setup/stripehook"
	"evisit/pkg/setup/sweep"
	"evisit/pkg/setup/verify"
)

// Make makes the handler of a function and drops it. Its error is that of the function,
// which names the settings that it lacks.
func Make(function string, p setup.Parts) error {
	var err error
	switch function {
	case "api":
		_, err = api.Handler(p)
	case "registry":
		_, err = registry.Handler(p)
	case "stripehook":
		_, err = stripehook.Handler(p)
	case "charge":
		_, err = charge.Handler(p)
	case "notify":
		_, err = notify.Handler(p)
	case "deadline":
		_, err = deadline.Handler(p)
	case "sweep":
		_, err = sweep.Handler(p)
	case "verify":
		_, err = verify.Handler(p)
	default:
		err = fmt.Errorf("infra/handlers does not know how to make %s", function)
	}
	return err
}
