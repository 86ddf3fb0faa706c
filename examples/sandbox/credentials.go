package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/amsbridge/amsbridge/internal/strictjson"
)

// maker gives the credentials that a configuration leaves out: those that a file keeps, or new ones.
type maker struct {
	kept  map[string]string // by their names in the configuration
	added bool
}

// credentialsOf reads a file of kept credentials, which need not be there yet. Without a name nothing is kept.
// No error quotes a value.
func credentialsOf(file string) (*maker, error) {
	m := &maker{kept: map[string]string{}}
	if file == "" {
		return m, nil
	}
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err != nil:
		return nil, fmt.Errorf("-credentials: %w", err)
	}
	if bad := strictjson.Unmarshal(b, &m.kept); bad != nil {
		return nil, errors.New("-credentials: " + bad.About("the file"))
	}
	return m, nil
}

// fill gives a credential that is empty its value.
func (m *maker) fill(name string, value *string) {
	if *value != "" {
		return
	}
	if m.kept[name] == "" {
		m.kept[name], m.added = rand.Text(), true
	}
	*value = m.kept[name]
}

// keep writes the file, for its owner alone, if credentials were made. What is there is replaced whole or not at
// all.
func (m *maker) keep(file string) error {
	if file == "" || !m.added {
		return nil
	}
	text, err := json.MarshalIndent(m.kept, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), ".credentials-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("-credentials: %w", err)
	}
	_, err = temp.Write(append(bytes.TrimSpace(text), '\n'))
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("-credentials: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}
