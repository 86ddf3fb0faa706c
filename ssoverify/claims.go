package ssoverify

import (
	"errors"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
)

// claimReader reads claims and keeps the first error.
type claimReader struct {
	claims map[string]any
	err    error
}

func (c *claimReader) text(name string) string {
	value, ok := c.claims[name].(string)
	if !ok && c.err == nil {
		c.err = errors.New("claims: " + name + " is not a string")
	}
	return value
}

// optional reads a text claim that our signer leaves out when it is empty.
func (c *claimReader) optional(name string, limit int) string {
	if _, given := c.claims[name]; !given || name == "" {
		return ""
	}
	value := c.text(name)
	if c.err == nil && check.Text(value, limit) != "" {
		c.err = errors.New("claims: " + name + " is not one that is signed")
	}
	return value
}

func (c *claimReader) at(name string) time.Time {
	value, ok := ssotoken.Seconds(c.claims[name])
	if !ok && c.err == nil {
		c.err = errors.New("claims: " + name + " is not a time in whole seconds")
	}
	return value
}
