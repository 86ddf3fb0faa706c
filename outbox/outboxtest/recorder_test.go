package outboxtest_test

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func registration(key, person string, items ...string) outbox.Message {
	return outbox.Message{
		Destination: "elevate", Key: key, Kind: "registration", Person: person, Subject: "order-1",
		Items: items, Facts: []byte(key), Version: 1,
	}
}

// A shop's test: the code under test gets the recorder in place of the store,
// and any transaction, here none.
func ExampleRecorder() {
	var recorder outboxtest.Recorder[*sql.Tx]
	_, err := recorder.InsertTx(context.Background(), nil, registration("k1", "U-7", "line-1"))
	fmt.Println(err)
	for _, m := range recorder.Messages() {
		fmt.Println(m.Destination, m.Kind, m.Person, m.Items)
	}
	// Output:
	// <nil>
	// elevate registration U-7 [line-1]
}

func ExampleRequireQueued() {
	t := &failing{} // the *testing.T of the shop's test

	var recorder outboxtest.Recorder[*sql.Tx]
	_, err := recorder.InsertTx(context.Background(), nil, registration("k1", "U-7", "line-1"))
	fmt.Println(err)
	t.run(func() {
		outboxtest.RequireQueued(t, &recorder,
			outboxtest.Want{Person: "U-7", Items: []string{"line-1"}},
			outboxtest.Want{Destination: "notified", Person: "U-7"})
	})
	fmt.Println(t.text)
	// Output:
	// <nil>
	// 1 of 2 wanted messages are not queued:
	//   want[1]: destination "notified", person "U-7"
	// queued are 1:
	//   destination "elevate", kind "registration", person "U-7", subject "order-1", items ["line-1"]
}

// failing is a testing.TB that keeps what it failed with.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper() {}

func (f *failing) Fatal(args ...any) {
	f.text = fmt.Sprint(args...)
	runtime.Goexit()
}

func (f *failing) run(test func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		test()
	}()
	<-done
}

func TestRequireQueued(t *testing.T) {
	t.Parallel()
	var recorder outboxtest.Recorder[*sql.Tx]
	_, err := recorder.InsertTx(t.Context(), nil,
		registration("k1", "U-1", "b", "a"), registration("k2", "U-2", "c"), registration("k3", "U-2", "c"))
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		want []outboxtest.Want
		fail string
	}{
		{name: "nothing wanted"},
		{name: "items in any order", want: []outboxtest.Want{{Items: []string{"a", "b"}}}},
		{name: "a broad want gives way to a narrow one", want: []outboxtest.Want{
			{Kind: "registration"}, {Subject: "order-1"}, {Person: "U-1"},
		}},
		{name: "two alike", want: []outboxtest.Want{{Person: "U-2"}, {Person: "U-2"}}},
		{name: "three alike", want: []outboxtest.Want{{Person: "U-2"}, {Person: "U-2"}, {Person: "U-2"}}, fail: "want[2]"},
		{name: "another case", want: []outboxtest.Want{{Person: "u-1"}}, fail: `person "u-1"`},
		{name: "fewer items", want: []outboxtest.Want{{Items: []string{"a"}}}, fail: `items ["a"]`},
		{name: "more than there are", want: make([]outboxtest.Want, 4), fail: "any message"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &failing{TB: t}
			f.run(func() { outboxtest.RequireQueued(f, &recorder, c.want...) })
			if c.fail == "" {
				require.Empty(t, f.text)
				return
			}
			require.Contains(t, f.text, c.fail)
		})
	}
}

func TestRecorderTellsAsAStoreDoes(t *testing.T) {
	t.Parallel()
	var recorder outboxtest.Recorder[*sql.Tx]
	inserted, err := recorder.InsertTx(t.Context(), nil, registration("k1", "U-1"), registration("k1", "U-1"))
	require.NoError(t, err)
	require.True(t, inserted[1].Duplicate)

	none, err := recorder.LastEntryTx(t.Context(), nil, "", "order-1", 0)
	require.NoError(t, err)
	require.Zero(t, none.N)
	for _, want := range []bool{true, false} {
		e := outbox.Entry{Subject: "order-1", N: 1, Body: fmt.Append(nil, want)}
		appended, err := recorder.AppendTx(t.Context(), nil, e, registration("k1", "U-1"), registration("k2", "U-2"))
		require.NoError(t, err)
		require.Equal(t, want, appended)
	}
	last, err := recorder.LastEntryTx(t.Context(), nil, "", "order-1", 1)
	require.NoError(t, err)
	require.Equal(t, "true", string(last.Body))

	found, err := recorder.FindTx(t.Context(), nil, outbox.Query{Subject: "order-1"})
	require.NoError(t, err)
	require.Len(t, found, 2)
	msgs := recorder.Messages()
	require.Len(t, msgs, 2)
	require.Equal(t, "k2", msgs[1].Key)
}
