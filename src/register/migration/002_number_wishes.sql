-- 個人番号の変更請求 and 職権修正 whose new number the agency is still to generate: applied when it comes.
-- asked: 0 not yet, 1 the CS has it
CREATE TABLE register_wish (person INT64 NOT NULL, event TEXT NOT NULL, record TEXT NOT NULL, reason INT64 NOT NULL,
    change_date INT64 NOT NULL, notified_on INT64 NOT NULL, asked INT64 NOT NULL, since INT64 NOT NULL,
    PRIMARY KEY (person)) NARROW;
