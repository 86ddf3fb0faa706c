package sqlcore

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// meet adopts the tables for the first installation that joins, and pauses everything for another one.
//
// Whoever changes what is adopted or paused locks the row of everything first. An installation that is adopted
// stays so, and need not lock it.
func (s *Store) meet(ctx context.Context, q Conn, by, identity string) error {
	if identity == "" {
		return nil
	}
	adopted, err := s.adopted(ctx, q)
	if err != nil || slices.Contains(adopted, identity) {
		return err
	}
	if err := s.lockEverything(ctx, q); err != nil {
		return err
	}
	adopted, err = s.adopted(ctx, q)
	switch {
	case err != nil || slices.Contains(adopted, identity):
		return err
	case len(adopted) == 0:
		return later(ctx, q, s.sql["adopt first"], s.now(), []byte(identity))
	}
	return later(ctx, q, s.sql["pause everything"], outbox.ReasonInstallation(by, identity, adopted))
}

// identity is the installation's, by its name or else by where the tables are. It is empty for tables that are
// in no file.
func (s *Store) identity(ctx context.Context, q Conn, name string) (string, error) {
	if name != "" {
		return outbox.InstallationNamed(name), nil
	}
	return s.d.identity(ctx, q)
}

// adopted are the identities of the installations that may send from these tables.
func (s *Store) adopted(ctx context.Context, q Conn) (all []string, err error) {
	err = each(ctx, q, func(r Rows) error {
		var identity text
		err := r.Scan(&identity)
		all = append(all, string(identity))
		return err
	}, s.sql["adopted"])
	return all, err
}

// lockEverything locks the row of everything.
func (s *Store) lockEverything(ctx context.Context, q Conn) error {
	list, err := s.d.listArg(kindBytes, []string{""})
	if err != nil {
		return err
	}
	if err := later(ctx, q, s.sql["new destinations"], list); err != nil {
		return err
	}
	_, err = one(ctx, q, []any{new(text)}, s.sql["lock everything"])
	return err
}

// resumeAll is refused while a session is there whose installation may not send.
func (s *Store) resumeAll(ctx context.Context, q Conn) error {
	if err := s.lockEverything(ctx, q); err != nil {
		return err
	}
	var by, at text
	stranger, err := one(ctx, q, []any{&by, &at}, s.sql["strangers"])
	if err == nil && stranger {
		err = fmt.Errorf("%w: %s is at: %s", outbox.ErrNotAdopted, by, at)
	}
	return err
}

// adopt lets all installations send that have a session. What is queued may have been sent since it was copied.
func (s *Store) adopt(ctx context.Context, q Conn, a outbox.Action) error {
	if err := s.lockEverything(ctx, q); err != nil {
		return err
	}
	if err := later(ctx, q, s.sql["adopt"], s.now()); err != nil {
		return err
	}
	for _, statement := range []string{"doubt all", "end pause of everything"} {
		if err := later(ctx, q, s.sql[statement]); err != nil {
			return err
		}
	}
	return s.audit(ctx, q, a, nil)
}

// strangers are sessions z whose installation did not adopt the tables.
const strangers = ` FROM amsbridge_session z WHERE z.installation <> CAST('' AS {bytes})
	AND NOT EXISTS (SELECT 1 FROM amsbridge_installation i WHERE i.identity = z.installation)`

func installationText(d *dialect) map[string]string {
	const everything = ` WHERE name = CAST('' AS {bytes})`
	return map[string]string{
		"adopted":         `SELECT identity FROM amsbridge_installation ORDER BY adopted_at, identity`,
		"adopt first":     `INSERT INTO amsbridge_installation (identity, adopted_at) VALUES (?2, {now})`,
		"adopt":           `INSERT INTO amsbridge_installation (identity, adopted_at) SELECT DISTINCT z.installation, {now}` + strangers,
		"strangers":       `SELECT z.sender, z.installation` + strangers + ` ORDER BY z.id`,
		"lock everything": `SELECT q.name FROM amsbridge_destination q` + everything + d.forUpdate,

		"pause everything":        `UPDATE amsbridge_destination SET pausing = 1, reason = ?1` + everything + ` AND pausing <> 2`,
		"end pause of everything": `UPDATE amsbridge_destination SET pausing = 0, reason = ''` + everything + ` AND pausing = 1`,
		"doubt all":               fmt.Sprintf(`UPDATE amsbridge_queue SET doubt = doubt | %[1]d WHERE doubt & %[1]d = 0`, outbox.DoubtLost),
	}
}

// identityPostgres is the cluster's identity, which copies on disk and standbys share, and what a dump, a
// template or another schema does not share. Not every server lets every role ask for the former.
func identityPostgres(ctx context.Context, q Conn) (string, error) {
	var may bool
	_, err := one(ctx, q, []any{&may}, `SELECT COALESCE(has_function_privilege(to_regprocedure('pg_control_system()'), 'EXECUTE'), false)`)
	if err != nil {
		return "", err
	}
	cluster, from := `'unknown'`, ``
	if may {
		cluster, from = `c.system_identifier`, ` CROSS JOIN pg_control_system() c`
	}
	var identity text
	_, err = one(ctx, q, []any{&identity}, `SELECT 'PostgreSQL cluster ' || `+cluster+` || ', database ' || d.oid
		|| ', table ' || 'amsbridge_message'::regclass::oid FROM pg_database d`+from+` WHERE d.datname = current_database()`)
	return string(identity), err
}

// identityMySQL is MySQL's identity of the server, or else its address, and the database. MariaDB's server_uid
// is no identity to go by: it is made of a network card's address, which a container gets anew with each start.
func identityMySQL(ctx context.Context, q Conn) (string, error) {
	told := map[string]string{}
	err := each(ctx, q, func(r Rows) error {
		var name, value text
		err := r.Scan(&name, &value)
		told[string(name)] = string(value)
		return err
	}, `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('hostname', 'port', 'server_uuid')`)
	if err != nil {
		return "", err
	}
	var database text
	if _, err := one(ctx, q, []any{&database}, `SELECT DATABASE()`); err != nil {
		return "", err
	}
	server := told["server_uuid"]
	if server == "" {
		server = told["hostname"] + ":" + told["port"]
	}
	return "MySQL server " + server + ", database " + string(database), nil
}

// identitySQLite is the file's absolute path, hashed: it may hold a person's name, and is shown in alarms.
func identitySQLite(ctx context.Context, q Conn) (string, error) {
	var path text
	_, err := one(ctx, q, []any{&path}, `SELECT COALESCE(file, '') FROM pragma_database_list WHERE name = 'main'`)
	if err != nil || path == "" {
		return "", err
	}
	hash := sha256.Sum256([]byte(path))
	return fmt.Sprintf("SQLite file %s, path %x", filepath.Base(string(path)), hash[:8]), nil
}
