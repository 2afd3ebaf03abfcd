CREATE INDEX sample_row_note ON sample_row (note);
