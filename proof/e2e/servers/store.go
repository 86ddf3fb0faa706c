package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
)

// Store is a running example store, with its two platforms beside it. The
// addresses have no slash at their end.
type Store struct {
	Shop     string `json:"shop"`
	Elevate  string `json:"elevate"`
	Notified string `json:"notified"`

	*process
}

// StartStore runs the store on free ports, with an empty SQLite file in a folder.
func StartStore(ctx context.Context, file, folder string) (*Store, error) {
	p, err := start(ctx, file, "-addr", "127.0.0.1:0", "-json", "-db", filepath.Join(folder, "shop.sqlite"))
	if err != nil {
		return nil, err
	}
	s := &Store{process: p}
	line, err := p.readLine()
	if err == nil {
		err = json.Unmarshal([]byte(line), s)
	}
	if err != nil || s.Shop == "" || s.Elevate == "" || s.Notified == "" {
		missing := fmt.Errorf("the store printed no addresses: %q", line)
		return nil, errors.Join(missing, err, s.Stop(), errors.New(s.Log()))
	}
	return s, nil
}
