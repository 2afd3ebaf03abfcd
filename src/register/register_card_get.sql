-- The card of a record's person.
-- in: person int64
-- out: issued_on int64, valid_until int64, form text, authenticity_code text, continuation_due int64
SELECT issued_on, valid_until, form, authenticity_code, continuation_due FROM register_card WHERE person = $1
