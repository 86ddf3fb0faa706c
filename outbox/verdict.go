package outbox

import (
	"cmp"
	"fmt"
)

// maxReceipt is the longest receipt that is kept.
const maxReceipt = 64 << 10

// delivered settles a message that the platform acknowledged, or that was not to be sent any more.
func (r *run) delivered(w work, res Result, st *Settlement) {
	st.Seq, st.Ends, st.Releases = res.Seq, res.Ends, res.Releases
	st.Code, st.Detail, st.Receipt, st.Then = res.Code, res.Detail, res.Receipt, res.Then
	switch {
	case res.Ended == StateWithdrawn || res.Ended == StateReplaced || res.Ended == StateAlreadyDone:
		st.State, st.Reason, st.Detail = res.Ended, res.Detail, ""
	case res.AlreadyDone:
		st.Outcome, st.State = OutcomeAlreadyDone, StateAlreadyDone
	default:
		st.Outcome, st.State = OutcomeDelivered, StateDelivered
	}
	if len(st.Receipt) > maxReceipt {
		r.alarm(r.base, AlarmFollowUp, w.Message, "its receipt is longer than 64 KiB")
		st.Receipt = nil
	}
	if err := checkMessages("Result.Then", res.Then); err != nil {
		r.alarm(r.base, AlarmFollowUp, w.Message, err.Error())
		st.Then = nil
	}
	if st.Outcome == OutcomeNone {
		st.ProbeAgain = w.Probe
		return
	}
	st.Resume = w.Probe
	r.answered(w, true)
}

// failed settles a message by its outcome, which alone decides what happens.
func (r *run) failed(w work, res Result, e *DeliveryError, st *Settlement) {
	st.Seq, st.Ends, st.Partly = res.Seq, res.Ends, e.Partly
	st.Outcome, st.State = e.Outcome, StatePending
	st.Code, st.Detail, st.Reason = e.Code, e.Detail, e.Reason
	if e.Tentative || e.Outcome != OutcomeUnavailable && e.Outcome != OutcomeUnknown {
		r.answered(w, e.Outcome == OutcomeNotReady && !e.Tentative)
	}
	if e.Tentative { // a probe tests what is closed already, and does not count again
		if !w.Probe && !r.tentativeThrice(w) {
			r.retry(w, e, st)
			return
		}
		r.pause(w, st, e.Error())
		return
	}
	switch e.Outcome {
	case OutcomeRejected:
		st.Resume = w.Probe // the credentials were good
		r.park(w, st, e.Reason)
	case OutcomeNotReady:
		st.Resume = w.Probe
		if delay, ok := notReadyDelay(w.Waited); ok {
			st.Delay = delay
		} else {
			r.park(w, st, "not ready for 72 hours: "+e.Reason)
		}
	case OutcomeThrottled:
		st.Deferred = true
		st.Hold = min(e.RetryAfter, maxHold)
		if st.Hold <= 0 {
			st.Hold = defaultHold
		}
	case OutcomeUnauthorized:
		r.pause(w, st, cmp.Or(e.Reason, "the platform refuses our credentials"))
	default: // unavailable, unknown
		r.retry(w, e, st)
		if w.ctx.Err() == nil { // the platform, not this sender, ended it
			r.unanswered(w, e, st)
		}
	}
}

// pause pauses the destination. The message waits for it, which costs no attempt.
func (r *run) pause(w work, st *Settlement, reason string) {
	st.Deferred, st.ProbeEvery, st.Pause = true, r.cfg.ProbeEvery, CutText(reason, MaxReason)
	if !w.Probe {
		r.alarm(r.base, AlarmPaused, w.Message, st.Pause)
	}
}

// retry waits by the schedule, or as long as the platform asked if that is
// longer, and parks the message when the schedule has ended.
func (r *run) retry(w work, e *DeliveryError, st *Settlement) {
	delay, ok := r.cfg.Retry.delay(w.Attempt)
	if !ok {
		r.park(w, st, fmt.Sprintf("gave up after %d attempts, the last: %s", w.Attempt, e.Error()))
		return
	}
	st.Delay = max(delay, min(e.RetryAfter, maxHold))
}

func (r *run) park(w work, st *Settlement, reason string) {
	if reason == "" {
		reason = "the platform rejected it"
	}
	st.State, st.Reason = StateParked, CutText(reason, MaxReason)
	r.alarm(r.base, AlarmParked, w.Message, st.Reason)
}
