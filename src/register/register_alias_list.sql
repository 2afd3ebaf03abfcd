-- Aliases that a person had elsewhere, in their order.
-- in: person int64
-- out: alias text, area int64, entered_on int64, removed_area int64, removed_on int64
SELECT alias, area, entered_on, removed_area, removed_on FROM register_alias WHERE person = $1 ORDER BY place
