// Package main must not compile: it gives a pool where a transaction belongs.
package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge"
)

func report(hook *amsbridge.Hook[pgx.Tx], pool *pgxpool.Pool, order amsbridge.Order) error {
	_, err := hook.OrderCompleted(context.Background(), pool, order)
	return err
}

func main() { _ = report(nil, nil, amsbridge.Order{}) }
