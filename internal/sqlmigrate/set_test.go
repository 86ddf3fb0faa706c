package sqlmigrate

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func sqlFile(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestFilesAreInTheOrderOfTheirVersions(t *testing.T) {
	t.Parallel()
	s := Set{Folder: "sqlite", Dialect: "sqlite", Versions: "v", Files: fstest.MapFS{
		"sqlite/0002_more.sql":  sqlFile("B;\n"),
		"sqlite/0001_first.sql": sqlFile("-- a;b\nA;\n"),
		"sqlite/notes.txt":      sqlFile("no"),
		"mysql/0001_first.sql":  sqlFile("C;\n"),
	}}
	text, err := s.SQL()
	require.NoError(t, err)
	require.Equal(t, "-- a;b\nA;\nB;\n", text)

	all, err := s.files()
	require.NoError(t, err)
	require.Equal(t, []file{{1, "sqlite/0001_first.sql", "-- a;b\nA;\n"}, {2, "sqlite/0002_more.sql", "B;\n"}}, all)
}

func TestFilesWithoutAVersionAreRefused(t *testing.T) {
	t.Parallel()
	_, err := Set{Folder: "x", Files: fstest.MapFS{"x/first.sql": sqlFile("A;\n")}}.SQL()
	require.ErrorContains(t, err, "x/first.sql")
}
