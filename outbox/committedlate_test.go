package outbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// An order that is committed behind what a new session has read goes before a later order of its person.
func TestWhatIsCommittedLateGoesBeforeWhatFollows(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		var many []outbox.Message
		for n := range 4500 {
			many = append(many, msg(fmt.Sprintf("k-%d", n), fmt.Sprintf("U-%d", n)))
		}
		for len(many) > 0 {
			r.insert(many[:500]...)
			many = many[500:]
		}
		r.start()
		r.pass(time.Minute)
		require.Equal(t, 4500, r.sends())
		r.stop()
		open := r.store.Begin()
		_, err := r.store.InsertTx(t.Context(), open, msg("early", "Ada"))
		require.NoError(t, err)
		r.insert(msg("other", "Bob"))
		r.start()
		r.pass(100 * time.Millisecond)
		require.Equal(t, 4501, r.sends())
		require.NoError(t, open.Commit())
		r.insert(msg("later", "Ada"))
		r.pass(5 * time.Second)
		sent := r.messages()
		require.Equal(t, []string{"early", "later"}, []string{sent[4501].Key, sent[4502].Key})
	})
}
