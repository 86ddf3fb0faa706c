package sqlcore

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorsOfSettingsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"Error 1665 (HY000): Cannot execute statement: impossible to write to binary log": "set binlog_format to ROW or MIXED",
		"Error 1046 (3D000): No database selected":                                        "the DSN names no database",
		"Error 1142 (42000): INSERT command denied to user 'x'@'y' for table `a`.`b`":     "a right is missing",
	} {
		cause := fmt.Errorf("insert: %w", errors.New(text))
		err := explained(cause)
		require.ErrorIs(t, err, cause)
		require.ErrorContains(t, err, says)
	}
	other := errors.New("Error 1064: syntax")
	require.Equal(t, other, explained(other))
	require.NoError(t, explained(nil))
}

func TestUnusableConnections(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Error 1290 (HY000): The MariaDB server is running with the --read-only option": true,
		"Error 1792 (25006): Cannot execute statement in a READ ONLY transaction":       true,
		"Error 1836 (HY000): Running in read-only mode":                                 true,
		"Error 1213 (40001): Deadlock found":                                            false,
	} {
		require.Equal(t, want, Unusable(errors.Join(errors.New("other"), errors.New(text))), text)
	}
	require.False(t, Unusable(nil))
}
