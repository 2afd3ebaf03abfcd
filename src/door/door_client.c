/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how the door is called. The address of the URL is only where to connect: the name that is asked
 * for, and that the certificate must carry, is the node's (cs.AREA.juki), so no other node of the network can
 * stand in. */
#include "door/door_client.h"

#include "base/json.h"
#include "base/library.h"

#include <curl/curl.h>
#include <pthread.h>

enum { CONNECT_SECONDS = 5, CALL_SECONDS = 90, IDLE_SECONDS = 60, PATH_SIZE = 256 };

struct door_client {
    CURL *curl;
    struct curl_slist *headers, *connect_to;
    char base[80]; /* "https://cs.282049.juki:8001" */
    const atomic_bool *stopping;
    char trouble[CURL_ERROR_SIZE];
    bool anew; /* the last call made a connection of its own */
};

#define LIBCURL_FUNCTIONS(F)                                                                                 \
    F(easy_cleanup)                                                                                          \
    F(easy_getinfo)                                                                                          \
    F(easy_init)                                                                                             \
    F(easy_perform)                                                                                          \
    F(easy_setopt)                                                                                           \
    F(easy_strerror)                                                                                         \
    F(slist_append)                                                                                          \
    F(slist_free_all)

/* curl's own functions, once libcurl_load has been called: libcurl.easy_init is curl_easy_init. */
static struct libcurl {
#define LIBCURL_POINTER(name) __typeof__(&curl_##name) name;
    LIBCURL_FUNCTIONS(LIBCURL_POINTER)
#undef LIBCURL_POINTER
} libcurl;
static struct fail not_loaded;

static void load(void)
{
#define LIBCURL_NAME(name) {"curl_" #name, offsetof(struct libcurl, name)},
    static const struct library_name names[] = {LIBCURL_FUNCTIONS(LIBCURL_NAME)};
#undef LIBCURL_NAME
    library_load(&not_loaded, "libcurl-gnutls.so.4", names, COUNT_OF(names), &libcurl);
}

static enum err libcurl_load(struct fail *f)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load);
    return not_loaded.err ? fail_pass(f, &not_loaded) : ERR_OK;
}

static int keep_going(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct door_client *client = self;

    (void)a, (void)b, (void)c, (void)d;
    return client->stopping && atomic_load(client->stopping);
}

static size_t collect(char *p, size_t size, size_t n, void *to)
{
    struct buf *answer = to;

    buf_add(answer, p, size * n);
    return answer->broken ? 0 : size * n;
}

/* "https://HOST:PORT" becomes the node's URL and a rule where to find it. */
static enum err aim(struct fail *f, struct door_client *c, const struct door_client_config *config)
{
    static const char scheme[] = "https://";
    char area[AREA_CODE_TEXT_SIZE], rule[160];
    const char *host = config->url + sizeof scheme - 1, *port = strrchr(config->url, ':');

    if (strncmp(config->url, scheme, sizeof scheme - 1) != 0 || !port || port <= host || !port[1])
        return fail_set(f, ERR_CONFIG, "door_url", "https://HOST:PORT");
    area_code_text(area_code_cs(config->area), area);
    snprintf(c->base, sizeof c->base, "https://cs.%s.juki%s", area, port);
    int n = snprintf(rule, sizeof rule, "cs.%s.juki%s:%s", area, port, host);
    c->connect_to = n > 0 && (size_t)n < sizeof rule ? libcurl.slist_append(NULL, rule) : NULL;
    return c->connect_to ? ERR_OK : fail_set(f, ERR_CONFIG, "door_url", NULL);
}

static const char *bare_path(const char *path)
{
    return strncmp(path, "file:", 5) == 0 ? path + 5 : path;
}

static enum err prepare(struct fail *f, struct door_client *c, const struct door_client_config *config)
{
    bool bad = false;

    if (!(c->curl = libcurl.easy_init()))
        return fail_set(f, ERR_MEMORY, "door", NULL);
    c->headers = libcurl.slist_append(NULL, "Content-Type: application/json");
    if (c->headers)
        libcurl.slist_append(c->headers, "Expect:"); /* no waiting for 100 Continue */
#define SET(option, value) bad |= libcurl.easy_setopt(c->curl, option, value) != CURLE_OK
    SET(CURLOPT_CONNECT_TO, c->connect_to);
    SET(CURLOPT_HTTPHEADER, c->headers);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    SET(CURLOPT_SSLCERT, config->tls_certificate_path);
    SET(CURLOPT_SSLKEY, bare_path(config->tls_key_path));
    SET(CURLOPT_CAINFO, config->ca_path);
    SET(CURLOPT_CAPATH, (char *)NULL);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS); /* the CS closes idle ones a little later */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    SET(CURLOPT_TIMEOUT, (long)CALL_SECONDS);
    SET(CURLOPT_WRITEFUNCTION, collect);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, keep_going);
    SET(CURLOPT_XFERINFODATA, c);
    SET(CURLOPT_ERRORBUFFER, c->trouble);
#undef SET
    return bad ? fail_set(f, ERR_CONFIG, "door", "libcurl cannot do TLS as needed") : ERR_OK;
}

enum err door_client_new(struct fail *f, const struct door_client_config *config, struct door_client **out)
{
    enum err e = libcurl_load(f);
    struct door_client *c = e ? NULL : memory_new(sizeof *c);

    if (!c)
        return e ? e : fail_set(f, ERR_MEMORY, "door", NULL);
    c->stopping = config->stopping;
    if ((e = aim(f, c, config)) || (e = prepare(f, c, config))) {
        door_client_free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void door_client_free(struct door_client *c)
{
    if (!c)
        return;
    libcurl.easy_cleanup(c->curl);
    libcurl.slist_free_all(c->headers);
    libcurl.slist_free_all(c->connect_to);
    memory_free(c);
}

bool door_client_connected_anew(const struct door_client *c)
{
    return c->anew;
}

enum err door_client_err(struct str name)
{
    size_t count;
    const struct err_row *rows = err_rows(&count);

    for (size_t i = 0; i < count; i++)
        if (str_equal(name, str_of(rows[i].name)))
            return rows[i].err;
    return ERR_DOOR_ANSWER;
}

static enum err read_error(struct fail *f, struct str answer, int64_t *expected)
{
    struct json *tree;
    struct arena a;
    struct str name = {NULL, 0}, field = {NULL, 0}, detail = {NULL, 0};

    if (json_read(NULL, answer, &tree))
        return fail_set(f, ERR_DOOR_ANSWER, "error", NULL);
    arena_init(&a, 64 << 10);
    enum err e = json_member_text(f, tree, "error", &a, &name);
    if (e || json_member_text_maybe(NULL, tree, "field", &a, &field) ||
        json_member_text_maybe(NULL, tree, "detail", &a, &detail) ||
        (expected && json_member_int_maybe(NULL, tree, "expected", 1, INT64_MAX, expected)))
        e = fail_set(f, ERR_DOOR_ANSWER, "error", NULL);
    else
        e = fail_set(f, door_client_err(name), field.p, detail.n ? "%s" : NULL, detail.p);
    json_free(tree);
    arena_release(&a);
    return e;
}

enum err door_client_call(struct door_client *c, struct fail *f, const char *path, struct str body,
                          struct buf *answer, int64_t *expected)
{
    char url[PATH_SIZE];
    long status = 0, connections = 0;

    buf_clear(answer);
    c->trouble[0] = 0;
    c->anew = false;
    if ((size_t)snprintf(url, sizeof url, "%s%s", c->base, path) >= sizeof url)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    libcurl.easy_setopt(c->curl, CURLOPT_URL, url);
    libcurl.easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
    if (body.p) {
        libcurl.easy_setopt(c->curl, CURLOPT_POST, 1L);
        libcurl.easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        libcurl.easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.p);
    } else {
        libcurl.easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = libcurl.easy_perform(c->curl);
    libcurl.easy_getinfo(c->curl, CURLINFO_NUM_CONNECTS, &connections);
    c->anew = connections > 0;
    if (code != CURLE_OK)
        return fail_set(f, ERR_DOOR_LOST, "door", "%s",
                        c->trouble[0] ? c->trouble : libcurl.easy_strerror(code));
    libcurl.easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? ERR_OK : read_error(f, buf_str(answer), expected);
}
