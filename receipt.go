package amsbridge

import (
	"encoding/json"
)

// Receipt is the part of a platform's answer that is kept after the delivery.
type Receipt struct {
	// ProductURL is where the member finds the product: https, on a host that the client's
	// configuration allows. Empty where the platform gave none.
	ProductURL string `json:"product_url,omitempty"`
	// AddOnsAdded is the count that Notified answered, or nil.
	AddOnsAdded *int `json:"add_ons_added,omitempty"`
	// Taken is what a take took, and Given what it gave again; nil for nothing.
	Taken *Item `json:"taken,omitempty"`
	Given *Item `json:"given,omitempty"`
}

// Encode returns the receipt as it is stored.
func (r Receipt) Encode() []byte {
	b, _ := json.Marshal(r) // a string and a number always encode
	return b
}

// DecodeReceipt reads a stored receipt. One that it cannot read is returned as an empty receipt.
func DecodeReceipt(b []byte) Receipt {
	var r Receipt
	if json.Unmarshal(b, &r) != nil {
		return Receipt{}
	}
	return r
}
