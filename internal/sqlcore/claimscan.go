package sqlcore

import (
	"database/sql"
	"encoding/hex"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// candidateScan reads candidates, one after another into the same places.
type candidateScan struct {
	// place and looked are those of the row read last.
	place, looked int

	row            candidate
	message        messageScan
	token, profile []byte
	notReady       sql.NullInt64
	targets        []any
}

func newCandidateScan() *candidateScan {
	s := &candidateScan{}
	row := &s.row
	s.message.into = &row.Message
	s.targets = append(s.message.targets(), &s.place, &s.looked, &row.firstDue, &row.firstID, &row.live, &row.Lane, &row.Attempt,
		&row.leasing.Lost, &row.leasing.Doubt, &row.seq, &row.N, &s.token, &row.expired, &s.notReady, &s.profile)
	return s
}

// read reads the next row, which is the caller's.
func (s *candidateScan) read(r Rows, now int64) (*candidate, error) {
	s.row = candidate{}
	if err := r.Scan(s.targets...); err != nil {
		return nil, err
	}
	if err := s.message.finish(); err != nil {
		return nil, err
	}
	out := s.row
	row := &out
	row.leasing.ID, row.Profile = row.Message.ID, s.profile
	if s.token != nil {
		text := hex.EncodeToString(s.token)
		row.Token = &text
	}
	row.doubted = row.leasing.Doubt
	if row.expired {
		row.leasing.Lost++
		row.leasing.Doubt |= uint8(outbox.DoubtLostLease)
	}
	row.N++
	row.Attempt++
	row.Leased.Lost, row.Message.Doubt = row.leasing.Lost, outbox.Doubt(row.leasing.Doubt)
	if s.notReady.Valid {
		row.NotReadySince = fromMicro(s.notReady.Int64)
		row.Waited = time.Duration(now-s.notReady.Int64) * time.Microsecond
	}
	return row, nil
}
