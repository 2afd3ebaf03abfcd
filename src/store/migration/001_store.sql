-- Wide rows are appended in the order of the ledger; the one key in random order is the narrow episode index.
-- id: place of the version's entry in the ledger + 1, so that each version says which notice brought it and no
-- counter is needed (an entry brings at most one version). previous: id of the version before it, 0 for the first.
-- opened, change_date, birth_date: yyyymmdd. source: number of the register's change, 0 when not known.
-- number: Individual Number. Numbers before the change: NULL when the change carries none.
CREATE TABLE store_version (
    id INT64 PRIMARY KEY,
    previous INT64 NOT NULL,
    code INT64 NOT NULL,
    area INT64 NOT NULL,
    version INT64 NOT NULL,
    replaces INT64 NOT NULL,
    state INT64 NOT NULL,
    opened INT64 NOT NULL,
    source INT64 NOT NULL,
    noticed INT64 NOT NULL,
    reason INT64 NOT NULL,
    change_date INT64 NOT NULL,
    planned INT64 NOT NULL,
    old_code INT64,
    old_code_not_recorded INT64 NOT NULL,
    old_number INT64,
    old_number_not_recorded INT64 NOT NULL,
    number INT64,
    is_foreign INT64 NOT NULL,
    name TEXT NOT NULL,
    kana TEXT NOT NULL,
    kana_state INT64 NOT NULL,
    former_name TEXT NOT NULL,
    former_name_kana TEXT NOT NULL,
    alias TEXT NOT NULL,
    alias_kana TEXT NOT NULL,
    birth_date INT64 NOT NULL,
    sex INT64 NOT NULL,
    address TEXT NOT NULL,
    town_code TEXT NOT NULL,
    postal_code TEXT NOT NULL
) WIDE;
CREATE TABLE store_episode (
    code INT64 NOT NULL,
    area INT64 NOT NULL,
    latest INT64 NOT NULL,
    version INT64 NOT NULL,
    state INT64 NOT NULL,
    opened INT64 NOT NULL,
    PRIMARY KEY (code, area)
) NARROW;
-- A code that an episode had before a code change, and the one it has since (itself perhaps former by now).
CREATE TABLE store_former_code (
    code INT64 NOT NULL,
    area INT64 NOT NULL,
    became INT64 NOT NULL,
    PRIMARY KEY (code, area)
) NARROW;
CREATE INDEX store_former_code_became ON store_former_code (became);
