package amsbridge

import (
	"encoding/json"
)

// Receipt is what a platform answered that outlives the delivery.
type Receipt struct {
	// ProductURL is where the member finds the product: https, on a host that
	// the client was told to allow. Empty where the platform gave none.
	ProductURL string `json:"product_url,omitempty"`
	// AddOnsAdded is Notified's count; nil where it gave none.
	AddOnsAdded *int `json:"add_ons_added,omitempty"`
}

// Encode returns the receipt as it is stored.
func (r Receipt) Encode() []byte {
	b, _ := json.Marshal(r) // a string and a number cannot fail
	return b
}

// DecodeReceipt reads a stored receipt. One that it cannot read is empty, as
// if the platform had answered nothing.
func DecodeReceipt(b []byte) Receipt {
	var r Receipt
	if json.Unmarshal(b, &r) != nil {
		return Receipt{}
	}
	return r
}
