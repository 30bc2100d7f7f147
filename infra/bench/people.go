package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"evisit/infra/local/system"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
)

// carer acts for the patients whose requests are written many at once. Each request is of a
// patient of its own: of two on a form the second is sent only if it is confirmed.
const carer = "elena-diaz"

// registrar is the room in which the patients of d's system are registered.
func (d *driver) registrar(log *slog.Logger) (*registrar.Room, error) {
	cfg := setup.Config{Table: system.Table, DynamoDB: d.engine.Endpoint(), S3: d.system.URL}
	parts, err := localParts(cfg, filepath.Join(d.dir, "keyset.json"), log)
	if err != nil {
		return nil, err
	}
	rooms, err := api.Rooms(parts)
	return &registrar.Room{Kernel: rooms.Kernel, Store: parts.Store(), Charts: rooms.Charts}, err
}

// wards registers patients whom carer acts for, numbered from first on.
func wards(ctx context.Context, r *registrar.Room, first, n int) ([]string, error) {
	ids := make([]string, n)
	return ids, parallel(n, func(i int) error {
		ids[i] = fmt.Sprintf("ward-%06d", first+i)
		err := r.AddPatient(ctx, identity.Patient{ID: ids[i], Practice: "lakeside", Contact: identity.Contact{
			Name: phi.Text("Ward " + ids[i]), Email: phi.Text(ids[i] + "@patients.example"), Phone: "+1 503 555 0177",
			Birth: time.Date(1980, 1, 1+i, 0, 0, 0, 0, time.UTC), Sex: "female",
		}})
		if err != nil {
			return err
		}
		return r.AddGrant(ctx, identity.Grant{Practice: "lakeside", Patient: ids[i], Person: carer, Until: r.Kernel.Time().AddDate(1, 0, 0)})
	})
}
