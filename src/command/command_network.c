/* SPDX-License-Identifier: Apache-2.0 */
/* juki network: a network of servers on this machine, made, shown, grown and kept. */
#include "command/nouns.h"
#include "command/node_process.h"

#include "base/clock.h"
#include "base/encode.h"
#include "identity/area_code.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* One juki at a time changes a network; the lock ends with the descriptor. */
static enum err lock_network(struct fail *f, const char *folder, int *out)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_set(f, ERR_NETWORK_NONE, NULL, "%.120s", folder);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return fail_set(f, ERR_STATE, NULL, "another juki changes this network; try again when it is done");
    }
    *out = fd;
    return ERR_OK;
}

/* The name of a municipality or prefecture, for tables. */
static const char *place_name(const struct node_name *name)
{
    struct area_code code = {name->area};
    if (name->role == NODE_PREFECTURE)
        code = area_code_of_prefecture((int)name->area);
    const struct area_row *row = name->area ? area_code_find(code) : NULL;
    return row ? row->name : "";
}

static void print_nodes(const struct network *n)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct network_node *node = &n->nodes[i];
        printf("%-18s", node->name.text);
        if (node->port)
            printf(" 127.0.0.1:%-6d", (int)node->port);
        else
            printf(" %-16s", "");
        if (node->door_port)
            printf(" door :%-6d", (int)node->door_port);
        else
            printf(" %-12s", "");
        printf(" %s\n", place_name(&node->name));
    }
}

static void print_databases(struct command_call *c, const struct network *n)
{
    if (!n->postgresql.n)
        return;
    puts(command_text(
        c, "Make these databases before juki up:", "juki up の前に次のデータベースを作成してください:"));
    for (size_t i = 0; i < n->count; i++) {
        printf("  createdb --maintenance-db='%.*s/postgres' juki_", STR_ARG(n->postgresql));
        for (const char *p = n->nodes[i].name.text; *p; p++)
            putchar(*p == '.' ? '_' : *p);
        putchar('\n');
    }
}

/* ---- init */

struct init_options {
    struct option_list prefectures, municipalities;
    int64_t base_port, disk_least;
    struct str postgresql;
};
static const struct init_options init_standard = {.base_port = 7000, .disk_least = -1};
static const struct option_row init_rows[] = {
    {.name = "prefecture",
     OPTION_LIST_AT(struct init_options, prefectures),
     .value = "NN",
     .help = "a prefecture without municipalities of ours; may stand several times",
     .help_ja = "市区町村を置かない都道府県。複数指定可"},
    {.name = "municipality",
     OPTION_LIST_AT(struct init_options, municipalities),
     .value = "CODE",
     .help = "area code of a municipality, with its prefecture; may stand several times (none given: 282049 "
             "282022 272035)",
     .help_ja = "市区町村の団体コード（その都道府県も作成）。複数指定可。省略時 282049 282022 272035"},
    {.name = "base-port",
     OPTION_INT_AT(struct init_options, base_port),
     .least = 1,
     .most = 65000,
     .value = "PORT",
     .help = "the first of the consecutive ports on 127.0.0.1; standard 7000",
     .help_ja = "127.0.0.1で使う連続したポートの最初。標準7000"},
    {.name = "postgresql",
     OPTION_TEXT_AT(struct init_options, postgresql),
     .value = "URL",
     .help = "keep the records in databases of this PostgreSQL server instead of SQLite files",
     .help_ja = "SQLiteファイルの代わりに、このPostgreSQLサーバのデータベースに保存する"},
    {.name = "disk-least",
     OPTION_INT_AT(struct init_options, disk_least),
     .least = 0,
     .most = 50,
     .value = "PERCENT",
     .help = "below this share of free disk no new work is taken; standard 10",
     .help_ja = "空き容量がこの割合を下回ると新しい処理を受け付けない。標準10"},
};

static enum err init(struct command_call *c, struct fail *f)
{
    static const struct str standard[] = {STR("282049"), STR("282022"), STR("272035")};
    const struct init_options *o = c->options;
    bool none = o->prefectures.count == 0 && o->municipalities.count == 0;
    const struct network_plan plan = {
        .folder = c->words[0],
        .prefectures = o->prefectures.items,
        .prefecture_count = o->prefectures.count,
        .municipalities = none ? standard : o->municipalities.items,
        .municipality_count = none ? COUNT_OF(standard) : o->municipalities.count,
        .base_port = o->base_port,
        .disk_least = o->disk_least,
        .postgresql = o->postgresql,
    };
    struct network n;
    enum err e = network_init(f, &plan, &c->arena, &n);
    if (e)
        return e;
    print_nodes(&n);
    if (n.sockets.n)
        printf("%s %.*s\n", command_text(c, "control sockets:", "制御ソケット:"), STR_ARG(n.sockets));
    print_databases(c, &n);
    printf("%s juki up %s\n", command_text(c, "next:", "次:"), c->words[0]);
    return ERR_OK;
}

/* ---- add */

/* The agency announces the directory to all; when it is down, each server finds the file at its next start.
 */
static enum err tell(struct command_call *c, struct fail *f, const struct network *n, const char *name)
{
    const struct network_node *node;
    struct json *answer = NULL;
    enum err e = network_find(f, n, name, &node);
    if (!e && node->name.role == NODE_REGISTER) {
        printf("%s %s\n", name,
               command_text(c, "takes it with its next connection to the CS",
                            "は次にCSへ接続するときに使用します"));
        return ERR_OK;
    }
    if (e || !node_pid(node)) {
        if (!e)
            printf("%s %s\n", name,
                   command_text(c, "does not run; it takes the new files when it starts",
                                "は停止中です。次の起動時に反映します"));
        return e;
    }
    e = node_ask(f, node, "reload", &answer);
    json_free(answer);
    return e;
}

static enum err make_new_nodes(struct fail *f, const struct network *before, const struct network *n)
{
    const struct network_node *there;
    enum err e = ERR_OK;
    for (size_t i = 0; i < n->count && !e; i++)
        if (network_find(NULL, before, n->nodes[i].name.text, &there))
            e = network_make_node(f, n, &n->nodes[i], NETWORK_DAYS);
    return e;
}

static enum err add_locked(struct command_call *c, struct fail *f)
{
    struct network before, n;
    int64_t version = 0;
    enum err e = network_load(f, c->words[0], &c->arena, &before);
    if (!e)
        e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_read_postgresql(f, &n, &c->arena);
    for (size_t i = 1; i < c->word_count && !e; i++)
        e = network_add_municipality(f, &n, &c->arena, str_of(c->words[i]));
    if (!e)
        e = make_new_nodes(f, &before, &n);
    if (!e)
        e = network_save(f,
                         &n); /* before the directory: a directory never names a server that is not there */
    if (!e)
        e = network_sign_directory(f, &n, false, NULL, &version);
    if (e)
        return e;
    printf(command_text(c, "network directory version %lld\n", "ネットワーク名簿 第%lld版\n"),
           (long long)version);
    e = tell(c, f, &n, "agency");
    if (!e)
        printf("%s juki up %s\n", command_text(c, "next:", "次:"), c->words[0]);
    return e;
}

static enum err locked(struct command_call *c, struct fail *f,
                       enum err (*run)(struct command_call *, struct fail *))
{
    int fd;
    enum err e = lock_network(f, c->words[0], &fd);
    if (e)
        return e;
    e = run(c, f);
    close(fd);
    return e;
}

static enum err add(struct command_call *c, struct fail *f)
{
    return locked(c, f, add_locked);
}

/* ---- renew */

struct renew_options {
    int64_t days;
    bool door, revoke_old;
};
static const struct renew_options renew_standard = {.days = NETWORK_DAYS};
static const struct option_row renew_rows[] = {
    {.name = "days",
     OPTION_INT_AT(struct renew_options, days),
     .least = 1,
     .most = 3650,
     .value = "N",
     .help = "how long the new certificate is valid; standard 397",
     .help_ja = "新しい証明書の有効日数。標準397"},
    {.name = "door",
     OPTION_FLAG_AT(struct renew_options, door),
     .help = "the certificate of the register's door instead of the link's (a register has no other)",
     .help_ja = "リンクではなく、住民記録との接続口の証明書（住民記録にはこれのみ）"},
    {.name = "revoke-old",
     OPTION_FLAG_AT(struct renew_options, revoke_old),
     .help = "put the old one's serial on the network directory's list: nobody accepts it any more",
     .help_ja = "古い証明書の番号を名簿の失効一覧に載せる"},
};

static enum err revoke_old(struct command_call *c, struct fail *f, const struct network *n,
                           const char *serial)
{
    const struct network_revocation r = {c->words[1], serial};
    int64_t version = 0;
    enum err e = network_sign_directory(f, n, false, &r, &version);
    if (e)
        return e;
    printf(command_text(c, "certificate %s revoked in network directory version %lld\n",
                        "証明書 %s を失効（ネットワーク名簿 第%lld版）\n"),
           serial, (long long)version);
    return tell(c, f, n, "agency");
}

static enum err renew_locked(struct command_call *c, struct fail *f)
{
    const struct renew_options *o = c->options;
    const struct network_node *node;
    struct network n;
    char old[48] = "";
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_find(f, &n, c->words[1], &node);
    if (e)
        return e;
    bool door = o->door || node->name.role == NODE_REGISTER;
    if (door && node->name.role != NODE_CS && node->name.role != NODE_REGISTER)
        return fail_set(f, ERR_USAGE, NULL, "--door is for a cs; %s has no door", node->name.text);
    if (door && o->revoke_old)
        return fail_set(f, ERR_USAGE, NULL, "the network directory lists certificates of the link only");
    e = network_renew_node(f, &n, node, door, (int)o->days, old);
    if (e)
        return e;
    printf(command_text(c, "%s has a new certificate for %d days\n",
                        "%s の新しい証明書を発行しました（%d日間）\n"),
           node->name.text, (int)o->days);
    e = tell(c, f, &n, node->name.text);
    return e || !o->revoke_old ? e : revoke_old(c, f, &n, old);
}

static enum err renew(struct command_call *c, struct fail *f)
{
    return locked(c, f, renew_locked);
}

/* ---- show */

struct show_options {
    bool json;
};
static const struct option_row show_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct show_options, json),
     .help = "for scripts",
     .help_ja = "JSONで出力する"},
};

static enum err print_json(struct fail *f, const struct network *n, const struct directory *d)
{
    struct buf b;
    char stamp[CLOCK_TEXT_SIZE];
    buf_init(&b, 8 * 1024 * 1024);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "folder", n->folder);
    json_add_text(&b, "sockets", n->sockets);
    json_add_int(&b, "directory_version", directory_version(d));
    json_add_text(&b, "directory_expires", str_of(clock_text(directory_expires(d), stamp)));
    json_begin(&b, "nodes", '[');
    for (size_t i = 0; i < n->count; i++) {
        json_begin(&b, NULL, '{');
        json_add_text(&b, "name", str_of(n->nodes[i].name.text));
        json_add_text(&b, "folder", n->nodes[i].folder);
        json_add_text(&b, "control", n->nodes[i].control);
        json_add_int(&b, "port", n->nodes[i].port);
        json_add_int(&b, "door_port", n->nodes[i].door_port);
        json_add_text(&b, "place", str_of(place_name(&n->nodes[i].name)));
        json_end(&b, '}');
    }
    json_end(&b, ']');
    json_end(&b, '}');
    enum err e = buf_check(&b, f, "network");
    if (!e)
        puts(b.p);
    buf_release(&b);
    return e;
}

static enum err show(struct command_call *c, struct fail *f)
{
    const struct show_options *o = c->options;
    struct directory *d = NULL;
    struct network n;
    char stamp[CLOCK_TEXT_SIZE];
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_read_directory(f, &n, &d);
    if (!e && o->json) {
        e = print_json(f, &n, d);
    } else if (!e) {
        print_nodes(&n);
        printf(command_text(c, "network directory version %lld, valid until %s\n",
                            "ネットワーク名簿 第%lld版 有効期限 %s\n"),
               (long long)directory_version(d), clock_text(directory_expires(d), stamp));
    }
    directory_unref(d);
    return e;
}

/* ---- key */

static enum err key(struct command_call *c, struct fail *f)
{
    const struct network_node *node;
    struct directory *d = NULL;
    struct network n;
    struct buf hex;
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_find(f, &n, c->words[1], &node);
    if (!e && node->name.role == NODE_REGISTER)
        e = fail_set(f, ERR_STATE, node->name.text,
                     "a register stands outside the network and signs nothing");
    if (!e)
        e = network_read_directory(f, &n, &d);
    if (e)
        return e;
    const struct directory_node *entry = directory_find(d, str_of(node->name.text));
    const struct directory_key *now = entry ? directory_key_at(entry, clock_now()) : NULL;
    buf_init(&hex, 2 * ED25519_PUBLIC + 1);
    if (now)
        encode_hex(&hex, now->public_key, sizeof now->public_key);
    else
        e = fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", node->name.text);
    if (!e)
        e = buf_check(&hex, f, "key");
    if (!e)
        puts(hex.p);
    buf_release(&hex);
    directory_unref(d);
    return e;
}

static const struct command_row rows[] = {
    {.verb = "init",
     .words = "DIR",
     .least = 1,
     .most = 1,
     .run = init,
     .options = init_rows,
     .option_count = COUNT_OF(init_rows),
     .standard = &init_standard,
     .size = sizeof init_standard,
     .help = "Make a network of servers in DIR: keys, certificates, the signed directory, a configuration "
             "for each.",
     .help_ja = "DIRにネットワークを作成する（鍵、証明書、署名付き名簿、各サーバの設定）。"},
    {.verb = "add",
     .words = "DIR CODE...",
     .least = 2,
     .most = NETWORK_NODES_MAX,
     .run = add,
     .help = "Add municipalities: new servers, and a new network directory that the agency announces.",
     .help_ja = "市区町村を追加する（新しいサーバと、機構が配布する新しい名簿）。"},
    {.verb = "renew",
     .words = "DIR NODE",
     .least = 2,
     .most = 2,
     .run = renew,
     .options = renew_rows,
     .option_count = COUNT_OF(renew_rows),
     .standard = &renew_standard,
     .size = sizeof renew_standard,
     .help = "Give a server a new TLS key and certificate; it takes them without stopping.",
     .help_ja = "サーバのTLS鍵と証明書を更新する（停止不要）。"},
    {.verb = "show",
     .words = "DIR",
     .least = 1,
     .most = 1,
     .run = show,
     .options = show_rows,
     .option_count = COUNT_OF(show_rows),
     .size = sizeof(struct show_options),
     .help = "List the servers with their ports.",
     .help_ja = "サーバとポートの一覧を表示する。"},
    {.verb = "key",
     .words = "DIR NODE",
     .least = 2,
     .most = 2,
     .run = key,
     .help = "Print a server's public key as juki-verify --key takes it.",
     .help_ja = "サーバの公開鍵を、juki-verify --key に渡せる形で表示する。"},
};
const struct command_noun command_network = {"network", "make and keep a network of servers",
                                             "ネットワークを作成し、維持する", rows, COUNT_OF(rows)};
