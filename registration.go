package amsbridge

import "github.com/amsbridge/amsbridge/internal/check"

// OnElevate tells whether the product lives on Elevate: each person is registered there for one product
// a call, as Elevate's text has it.
func (p Product) OnElevate() bool { return p.RemoteProductID != "" }

// remoteProductProblem says what is wrong with a remote product ID. Its limit is ours: the vendor's text
// names none.
func remoteProductProblem(id string) string { return check.Text(id, 255) }
