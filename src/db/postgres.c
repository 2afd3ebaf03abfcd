#include "db/backend.h"
static enum err pg_open(struct fail *f, struct db *db UNUSED, const char *url UNUSED)
{
    return fail_set(f, ERR_DB_OPEN, NULL, "not built in yet");
}
static void pg_close(struct db *db UNUSED)
{
}
static void pg_disconnect(struct db_conn *c UNUSED)
{
}
const struct db_backend db_postgres = {.name = "postgresql", .open = pg_open, .close = pg_close, .disconnect=pg_disconnect};
