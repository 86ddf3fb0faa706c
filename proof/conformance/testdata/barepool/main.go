// Package main must not compile: it gives a pool where a transaction belongs.
package main

import (
	"context"
	"database/sql"

	"github.com/amsbridge/amsbridge"
)

func report(hook *amsbridge.Hook[*sql.Tx], db *sql.DB, order amsbridge.Order) error {
	_, err := hook.OrderCompleted(context.Background(), db, order)
	return err
}

func main() { _ = report(nil, nil, amsbridge.Order{}) }
