package stage

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
)

// Store is a running store, with the sandboxes beside it. The addresses have no
// slash at their end.
type Store struct {
	Shop     string `json:"shop"`
	Elevate  string `json:"elevate"`
	Notified string `json:"notified"`

	*program
}

// Start runs the store on free ports, with an empty SQLite file in a folder.
func Start(ctx context.Context, file, folder string) (*Store, error) {
	s := &Store{}
	var err error
	if s.program, err = run(ctx, file, "-addr", "127.0.0.1:0", "-json", "-db", filepath.Join(folder, "shop.sqlite")); err != nil {
		return nil, err
	}
	line, err := s.says(func(out *bufio.Reader) (string, error) { return out.ReadString('\n') })
	if err == nil {
		err = json.Unmarshal([]byte(line), s)
	}
	if err != nil || s.Shop == "" || s.Elevate == "" || s.Notified == "" {
		return nil, errors.Join(fmt.Errorf("the store printed no addresses: %q", line), err, s.Stop(), errors.New(s.Log()))
	}
	return s, nil
}
