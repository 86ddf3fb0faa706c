package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// shop stores one order without a sender, and returns its database file.
func shop(t *testing.T) (file string, store *sqlstore.Store) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "shop.sqlite")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	db, dialect, err := openDatabase(file)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, sqlstore.Migrate(t.Context(), db, dialect))
	store, err = sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: dialect})
	require.NoError(t, err)
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "course-101", RemoteProductID: "course-101"}}})
	require.NoError(t, err)
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog})
	require.NoError(t, err)
	require.NoError(t, sqlstore.InTx(t.Context(), db, nil, func(tx *sql.Tx) error {
		_, err := hook.OrderCompleted(t.Context(), tx, amsbridge.Order{
			ID: "1001", Buyer: amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
			Lines: []amsbridge.Line{{ID: "1", ProductID: "course-101", Quantity: 1}},
		})
		return err
	}))
	return file, store
}

// The worker as its own process, ended by SIGTERM while a call is under way.
func TestSIGTERMEndsItInGoodOrder(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "worker.exe")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(built))
	sandbox, err := elevatetest.New(elevatetest.Config{
		Key: "geheim", Profile: elevate.GuessedProfile(), Products: []elevatetest.Product{{RemoteProductID: "course-101"}},
	})
	require.NoError(t, err)
	hold := elevatetest.NewHold()
	sandbox.Misbehave(elevatetest.Fault{Kind: elevatetest.HoldAfter, Hold: hold})
	server := httptest.NewServer(sandbox)
	t.Cleanup(server.Close)
	t.Cleanup(hold.Release)
	file, store := shop(t)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	worker := exec.CommandContext(ctx, program, "-sandbox", "-metrics", "127.0.0.1:0")
	worker.Env = append(os.Environ(), "AMSBRIDGE_DB="+file, "ELEVATE_ENDPOINT="+server.URL+"/api/registration", "ELEVATE_KEY=geheim", "NOTIFIED_AUTH_CODE=")
	out, err := worker.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, worker.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	metrics, ok := strings.CutPrefix(lines.Text(), "worker: metrics on ")
	require.True(t, ok, lines.Text())
	require.True(t, lines.Scan())
	require.Equal(t, "worker: sending", lines.Text())
	select {
	case <-hold.Held():
	case <-ctx.Done():
		t.Fatal("the worker sent nothing")
	}
	refused, err := http.NewRequestWithContext(ctx, http.MethodGet, metrics, nil)
	require.NoError(t, err)
	refused.Host = "evil.example"
	resp, err := http.DefaultClient.Do(refused)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusMisdirectedRequest, resp.StatusCode, "a page elsewhere whose name leads here reads nothing")
	require.Contains(t, get(t, metrics), `amsbridge_outbox_in_flight{destination="elevate"} 1`)
	require.NoError(t, worker.Process.Signal(syscall.SIGTERM))
	hold.Release()
	require.True(t, lines.Scan(), "it ended without a word")
	require.Equal(t, "worker: stopped in good order", lines.Text())
	require.NoError(t, worker.Wait(), "with status 0")

	records, err := store.Find(t.Context(), outbox.Query{Subject: "1001"})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, outbox.StateDelivered, records[0].State, "what was under way was settled")
	require.Len(t, sandbox.Registrations(), 1)
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

func TestWorkerSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	file, _ := shop(t)
	for _, c := range []struct {
		args []string
		env  map[string]string
		says string
	}{
		{nil, nil, "no database"},
		{[]string{"-db", "mysql://u:geheim@host/x"}, nil, "neither postgres"},
		{[]string{"-db", file + ".none"}, nil, "names no file"},
		{[]string{"-db", file}, nil, "names no platform"},
		{[]string{"-db", file}, map[string]string{"ELEVATE_ENDPOINT": "http://127.0.0.1:1/", "ELEVATE_KEY": "geheim"}, "Endpoint"},
		{
			[]string{"-db", file, "-metrics", "nowhere:x"},
			map[string]string{"ELEVATE_ENDPOINT": "https://elevate.example/", "ELEVATE_KEY": "geheim"},
			"listen",
		},
		{[]string{"-db", "postgres://u:geheim@127.0.0.1:1/none"}, nil, "worker: "},
	} {
		var out, problems bytes.Buffer
		status := run(t.Context(), c.args, func(name string) string { return c.env[name] }, &out, &problems)
		require.Equal(t, 1, status, c.says)
		require.Contains(t, problems.String(), c.says)
		require.NotContains(t, problems.String(), "geheim")
		require.Empty(t, out.String())
	}
	require.Equal(t, 2, run(t.Context(), []string{"-nonsense"}, os.Getenv, &bytes.Buffer{}, &bytes.Buffer{}))
	require.Zero(t, run(t.Context(), []string{"-h"}, os.Getenv, &bytes.Buffer{}, &bytes.Buffer{}))
}
