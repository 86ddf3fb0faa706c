package sqlcore

import (
	"context"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// literals is a MySQL connection that puts parameters into the text: integers in
// digits, bytes in hexadecimal, and so every text that has more in it than plain
// signs. So a statement is one round trip whether or not the shop's DSN says
// interpolateParams, what a text means depends neither on sql_mode nor on the
// connection's character set, and nothing in a value can end a literal.
type literals struct{ Conn }

// withLiterals wraps a connection where the dialect needs it; twice does no harm.
func (d *dialect) withLiterals(q Conn) Conn {
	if d.folder == MySQL {
		return literals{q}
	}
	return q
}

func (l literals) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	text, err := withValues(text, args)
	if err != nil {
		return 0, err
	}
	return l.Conn.Exec(ctx, text)
}

func (l literals) Each(ctx context.Context, scan func(Rows) error, text string, args ...any) error {
	text, err := withValues(text, args)
	if err != nil {
		return err
	}
	return l.Conn.Each(ctx, scan, text)
}

// Inserter is a Conn that knows the AUTO_INCREMENT value of what it inserted, as
// MySQL's must.
type Inserter interface {
	// Insert returns the value given to the first row.
	Insert(ctx context.Context, text string) (id int64, err error)
}

func (l literals) Insert(ctx context.Context, text string, args ...any) (int64, error) {
	text, err := withValues(text, args)
	if err != nil {
		return 0, err
	}
	switch q := l.Conn.(type) {
	case literals:
		return q.Insert(ctx, text)
	case Inserter:
		return q.Insert(ctx, text)
	}
	return 0, fmt.Errorf("%T cannot tell the ID of a new row", l.Conn)
}

// literalDB is the shop's database with literals.
type literalDB struct {
	literals
	db DB
}

func (d literalDB) InTx(ctx context.Context, fn func(Conn) error) error {
	return d.db.InTx(ctx, func(q Conn) error { return fn(literals{q}) })
}

// withValues puts values in place of ?1, ?2 and so on. No statement has a
// question mark anywhere else.
func withValues(text string, args []any) (string, error) {
	if len(args) == 0 {
		return text, nil
	}
	var out strings.Builder
	for {
		i := strings.IndexByte(text, '?')
		if i < 0 {
			out.WriteString(text)
			return out.String(), nil
		}
		out.WriteString(text[:i])
		end := i + 1
		for end < len(text) && '0' <= text[end] && text[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(text[i+1 : end])
		if err != nil || n < 1 || n > len(args) {
			return "", fmt.Errorf("no value for parameter %s", text[i:end])
		}
		if err := writeLiteral(&out, args[n-1]); err != nil {
			return "", err
		}
		text = text[end:]
	}
}

func writeLiteral(out *strings.Builder, value any) error {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch {
	case value == nil, v.Kind() == reflect.Pointer, v.Kind() == reflect.Slice && v.IsNil():
		out.WriteString("NULL")
	case v.CanInt():
		out.WriteString(strconv.FormatInt(v.Int(), 10))
	case v.CanUint():
		out.WriteString(strconv.FormatUint(v.Uint(), 10))
	case v.Kind() == reflect.Bool:
		out.WriteString(strconv.Itoa(asInt(v.Bool())))
	case v.Kind() == reflect.String && plain(v.String()):
		out.WriteString("_utf8mb4'")
		out.WriteString(v.String())
		out.WriteByte('\'')
	case v.Kind() == reflect.String:
		out.WriteString("_utf8mb4 x'")
		writeHex(out, []byte(v.String()))
		out.WriteByte('\'')
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		out.WriteString("x'")
		writeHex(out, v.Bytes())
		out.WriteByte('\'')
	default:
		return fmt.Errorf("a %T is no parameter", value)
	}
	return nil
}

// plain tells whether a text is the same between quotes, whatever sql_mode and
// character set: printable ASCII without quote and backslash.
func plain(s string) bool {
	for i := range len(s) {
		if b := s[i]; b < ' ' || b > '~' || b == '\'' || b == '\\' {
			return false
		}
	}
	return true
}

func writeHex(out *strings.Builder, b []byte) {
	out.Grow(2 * len(b))
	var buf [512]byte
	for len(b) > 0 {
		n := min(len(b), len(buf)/2)
		out.Write(hex.AppendEncode(buf[:0], b[:n]))
		b = b[n:]
	}
}
