-- A card of a record's person; there is one at a time.
-- in: person int64, issued_on int64, valid_until int64, form text, authenticity_code text, continuation_due int64
INSERT INTO register_card (person, issued_on, valid_until, form, authenticity_code, continuation_due)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (person) DO UPDATE SET issued_on = excluded.issued_on, valid_until = excluded.valid_until,
    form = excluded.form, authenticity_code = excluded.authenticity_code, continuation_due = excluded.continuation_due
