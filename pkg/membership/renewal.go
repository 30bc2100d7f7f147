package membership

import (
	"time"

	"evisit/pkg/money"
)

// A Notice is what the payer was told of a renewal, before it.
type Notice struct {
	Renews time.Time   `json:"renews"` // when
	Terms  Terms       `json:"terms"`  // that hold from then on
	Price  money.Cents `json:"price"`  // of that year for those who were members
	// Closing says that it is not renewed, because the practice does not offer it any more.
	Closing bool      `json:"closing,omitempty"`
	At      time.Time `json:"at"`
}

func (n Notice) renews() bool { return !n.Renews.IsZero() && !n.Closing }
