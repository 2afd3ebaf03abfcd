/* SPDX-License-Identifier: Apache-2.0 */
#include "door/door.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "door/telegram_837y.h"
#include "door/door_inside.h"
#include "door_stage.h"
#include "stores.h"
#include "test.h"

#include <dirent.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct door_stage stage;

/* ---- bodies ---- */

static void add_change(struct buf *b, int64_t number, int64_t payload, const char *name, int64_t replaces)
{
    char code[RESIDENT_CODE_TEXT_SIZE];

    json_begin(b, NULL, '{');
    json_add_int(b, "number", number);
    if (replaces)
        json_add_int(b, "replaces", replaces);
    json_begin(b, "identity", '{');
    json_add_text(b, "resident_code",
                  str_of(resident_code_REVEAL(resident_code_from_payload(payload), code)));
    json_add_bool(b, "foreign", false);
    json_add_text(b, "name", str_of(name));
    json_add_text(b, "birth_date", STR("1980-01-01"));
    json_add_text(b, "sex", STR("female"));
    json_add_text(b, "area_code", STR("282049"));
    json_add_text(b, "address", STR("兵庫県西宮市六湛寺町10番3号"));
    json_begin(b, "change", '{');
    json_add_text(b, "change_reason", STR("birth"));
    json_add_text(b, "change_date", STR("2026-11-01"));
    json_end(b, '}');
    json_end(b, '}');
    json_end(b, '}');
}

static void begin_changes(struct buf *b)
{
    buf_clear(b);
    json_begin(b, NULL, '{');
    json_begin(b, "changes", '[');
}

static void end_changes(struct buf *b)
{
    json_end(b, ']');
    json_end(b, '}');
}

/* changes first..last, each of its own person. */
static void range(struct buf *b, int64_t first, int64_t last)
{
    begin_changes(b);
    for (int64_t n = first; n <= last; n++)
        add_change(b, n, n, "西宮　花子", 0);
    end_changes(b);
}

struct call {
    struct door_client *client;
    struct buf body, answer;
    struct fail fail;
    int64_t expected;
};

static void call_open(struct call *c)
{
    memset(c, 0, sizeof *c);
    buf_init(&c->body, 8 << 20);
    buf_init(&c->answer, 8 << 20);
    c->client = door_stage_client(&stage);
}

static void call_close(struct call *c)
{
    door_client_free(c->client);
    buf_release(&c->body);
    buf_release(&c->answer);
}

static enum err post_changes(struct call *c)
{
    return door_client_call(c->client, &c->fail, "/v1/changes", buf_str(&c->body), &c->answer, &c->expected);
}

static enum err get(struct call *c, const char *path)
{
    return door_client_call(c->client, &c->fail, path, (struct str){NULL, 0}, &c->answer, NULL);
}

static int64_t answer_int(struct call *c, const char *field)
{
    struct json *tree;
    int64_t value = -1;

    assert_ok(json_read(NULL, buf_str(&c->answer), &tree));
    assert_ok(json_member_int(NULL, tree, field, 0, INT64_MAX, &value));
    json_free(tree);
    return value;
}

static bool answer_holds(const struct call *c, const char *text)
{
    return c->answer.p && strstr(c->answer.p, text) != NULL;
}

static int setup(void **state)
{
    (void)state;
    door_stage_open(&stage, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    door_stage_close(&stage);
    return 0;
}

/* ---- who may enter ---- */

static void only_the_register_of_this_cs_enters(void **state)
{
    (void)state;
    const struct {
        const char *key, *certificate;
        long want;
    } rows[] = {
        {stage.key, stage.certificate, 200},
        {stage.stranger_key, stage.stranger_certificate, 403},
        {stage.forged_key, stage.forged_certificate, 403},
        {NULL, NULL, 403},
    };
    char url[80];
    const char *source;
    size_t refused = 0;
    snprintf(url, sizeof url, "%s/v1/status", stage.url);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CURL *curl = curl_easy_init();
        FILE *nothing = fopen("/dev/null", "w");
        long status = 0;
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, nothing);
        curl_easy_setopt(curl, CURLOPT_CAINFO, stage.ca);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
        if (rows[i].key) {
            curl_easy_setopt(curl, CURLOPT_SSLKEY, rows[i].key);
            curl_easy_setopt(curl, CURLOPT_SSLCERT, rows[i].certificate);
        }
        assert_int_equal(curl_easy_perform(curl), CURLE_OK);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        assert_int_equal(status, rows[i].want);
        refused += rows[i].want == 403;
        assert_int_equal(door_stage_strangers(&source), refused); /* each once, for the ledger */
        if (refused)
            assert_int_equal(door_stage_stranger_error(), ERR_DOOR_CERTIFICATE);
        curl_easy_cleanup(curl);
        fclose(nothing);
    }
    assert_string_equal(source, "door 127.0.0.1");
}

static void tls_1_2_is_not_spoken(void **state)
{
    (void)state;
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, stage.url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, stage.ca);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, stage.key);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, stage.certificate);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)(CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2));
    assert_int_equal(curl_easy_perform(curl), CURLE_SSL_CONNECT_ERROR);
    curl_easy_cleanup(curl);
}

static size_t strangers(void)
{
    const char *source;
    return door_stage_strangers(&source);
}

static void wait_for_strangers(size_t count)
{
    for (int i = 0; i < 4000 && strangers() < count; i++)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    assert_int_equal(strangers(), count);
}

static int connect_plainly(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t port = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && str_to_uint(str_of(strrchr(stage.url, ':') + 1), 65535, &port));
    at.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* A handshake that fails never becomes a request; it is counted for the ledger all the same. */
static void who_fails_at_the_handshake_is_counted(void **state)
{
    (void)state;
    tls_1_2_is_not_spoken(NULL);
    wait_for_strangers(1);
    assert_int_equal(door_stage_stranger_error(), ERR_TLS);
    int fd = connect_plainly();
    assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    close(fd);
    wait_for_strangers(2);
    close(connect_plainly());
    wait_for_strangers(3);
    struct call c; /* who is heard is not counted when the connection ends */
    call_open(&c);
    assert_ok(get(&c, "/v1/status"));
    call_close(&c);
    door_stage_restart(&stage); /* every connection has ended */
    assert_int_equal(strangers(), 3);
}

static void the_client_refuses_a_cs_of_another_name(void **state)
{
    (void)state;
    struct door_client *c;
    struct buf answer;
    buf_init(&answer, 10000);
    assert_ok(door_client_new(NULL,
                              &(struct door_client_config){.url = stage.url,
                                                           .area = {281000},
                                                           .tls_key_path = stage.key,
                                                           .tls_certificate_path = stage.certificate,
                                                           .ca_path = stage.ca},
                              &c));
    assert_err(door_client_call(c, NULL, "/v1/status", (struct str){NULL, 0}, &answer, NULL), ERR_DOOR_LOST);
    door_client_free(c);
    buf_release(&answer);
}

static void bad_requests_are_told_why(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
        enum err want;
    } rows[] = {
        {"/v1/changes", "{", ERR_JSON},
        {"/v1/changes", "{}", ERR_FIELD_MISSING},
        {"/v1/changes", "{\"changes\":[{}]}", ERR_FIELD_MISSING},
        {"/v1/changes", "{\"changes\":[7]}", ERR_FIELD_TYPE},
        {"/v1/changes", "{\"changes\":[{\"number\":0}]}", ERR_FIELD_RANGE},
        {"/v1/resend", NULL, ERR_DOOR_METHOD},
        {"/v1/changes?after=-1", NULL, ERR_FIELD_RANGE},
        {"/v1/nothing", NULL, ERR_DOOR_ROUTE},
        {"/v1/outcomes?wait=31", NULL, ERR_FIELD_RANGE},
        {"/v1/outcomes?after=x", NULL, ERR_FIELD_RANGE},
        {"/v1/resident-codes", "{\"draw\":\"\",\"count\":1}", ERR_FIELD_RANGE},
        {"/v1/resident-codes", "{\"draw\":\"a\",\"count\":5001}", ERR_FIELD_RANGE},
        {"/v1/resend", "{\"first\":5,\"last\":4}", ERR_FIELD_RANGE},
    };
    struct call c;
    call_open(&c);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_err(door_client_call(c.client, &c.fail, rows[i].path, str_of(rows[i].body), &c.answer, NULL),
                   rows[i].want);
    call_close(&c);
}

static void a_body_over_4_mib_is_refused(void **state)
{
    (void)state;
    struct call c;
    call_open(&c);
    memset(buf_reserve(&c.body, (4 << 20) + 1), ' ', (4 << 20) + 1);
    /* refused at its head: the connection may break before the answer is read */
    enum err e = post_changes(&c);
    assert_true(e == ERR_LIMIT || e == ERR_DOOR_LOST);
    buf_clear(&c.body);
    begin_changes(&c.body);
    for (int i = 1; i <= 2001; i++)
        add_change(&c.body, i, i, "西宮　花子", 0);
    end_changes(&c.body);
    assert_err(post_changes(&c), ERR_DOOR_COUNT);
    call_close(&c);
}

/* ---- the order of changes ---- */

static void changes_are_taken_once_and_in_order(void **state)
{
    (void)state;
    const int64_t *numbers;
    struct call c;
    call_open(&c);
    range(&c.body, 1, 3);
    assert_ok(post_changes(&c));
    assert_int_equal(answer_int(&c, "taken"), 3);
    range(&c.body, 5, 6); /* 4 is missing */
    assert_err(post_changes(&c), ERR_DOOR_GAP);
    assert_int_equal(c.expected, 4);
    range(&c.body, 2, 5); /* 2 and 3 again, in another request */
    assert_ok(post_changes(&c));
    assert_int_equal(answer_int(&c, "taken"), 5);
    begin_changes(&c.body);
    add_change(&c.body, 6, 6, "西宮　花子", 0);
    add_change(&c.body, 8, 8, "西宮　花子", 0);
    end_changes(&c.body);
    assert_err(post_changes(&c), ERR_DOOR_GAP);
    assert_int_equal(c.expected, 7);
    door_stage_restart(&stage);
    range(&c.body, 1, 6);
    assert_ok(post_changes(&c));
    assert_int_equal(answer_int(&c, "taken"), 6);
    assert_int_equal(door_stage_taken(&numbers, NULL), 6);
    for (int64_t i = 0; i < 6; i++)
        assert_int_equal(numbers[i], i + 1);
    call_close(&c);
}

static void other_content_under_a_used_number_is_refused(void **state)
{
    (void)state;
    const int64_t *numbers;
    struct call c;
    call_open(&c);
    range(&c.body, 1, 2);
    assert_ok(post_changes(&c));
    begin_changes(&c.body);
    add_change(&c.body, 2, 2, "西宮　太郎", 0);
    add_change(&c.body, 3, 3, "西宮　花子", 0);
    end_changes(&c.body);
    assert_err(post_changes(&c), ERR_DOOR_DIFFERENT);
    assert_true(answer_holds(&c, "\"detail\":\"2\""));     /* which one */
    assert_int_equal(door_stage_taken(&numbers, NULL), 2); /* and nothing behind it either */
    call_close(&c);
}

static void a_refused_change_stops_nothing_but_its_person(void **state)
{
    (void)state;
    const int64_t *numbers, *replaces;
    struct call c;
    call_open(&c);
    begin_changes(&c.body);
    add_change(&c.body, 1, 100, "REFUSE", 0);
    add_change(&c.body, 2, 200, "西宮　太郎", 0);
    add_change(&c.body, 3, 100, "西宮　花子", 0);
    end_changes(&c.body);
    assert_ok(post_changes(&c));
    assert_true(answer_holds(&c, "\"number\":1,\"error\":\"STATE\""));
    assert_true(answer_holds(&c, "\"number\":3,\"error\":\"DOOR_BEHIND\""));
    assert_ok(post_changes(&c)); /* again: the same answer, and nothing more */
    assert_true(answer_holds(&c, "\"number\":3,\"error\":\"DOOR_BEHIND\""));
    begin_changes(&c.body);
    add_change(&c.body, 4, 100, "西宮　花子", 3); /* not the oldest */
    add_change(&c.body, 5, 100, "REFUSE", 1);     /* bad again: 1 stays open */
    add_change(&c.body, 6, 100, "西宮　梅子", 5); /* names the attempt: means 1 */
    add_change(&c.body, 7, 100, "西宮　桜子", 0); /* 3 is still open */
    add_change(&c.body, 8, 100, "西宮　花子", 4); /* replaces 3 */
    add_change(&c.body, 9, 100, "西宮　桜子", 7);
    add_change(&c.body, 10, 100, "西宮　松子", 1); /* replaced long ago */
    end_changes(&c.body);
    assert_ok(post_changes(&c));
    assert_true(answer_holds(&c, "\"number\":4,\"error\":\"DOOR_BEHIND\""));
    assert_true(answer_holds(&c, "\"number\":5,\"error\":\"STATE\""));
    assert_false(answer_holds(&c, "\"number\":6,"));
    assert_true(answer_holds(&c, "\"number\":7,\"error\":\"DOOR_BEHIND\""));
    assert_false(answer_holds(&c, "\"number\":8,"));
    assert_false(answer_holds(&c, "\"number\":9,"));
    assert_true(answer_holds(&c, "\"number\":10,\"error\":\"DOOR_REPLACES\""));
    static const int64_t want[] = {2, 6, 8, 9};
    assert_int_equal(door_stage_taken(&numbers, &replaces), COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_int_equal(numbers[i], want[i]);
        assert_int_equal(replaces[i], 0);
    }
    assert_ok(get(&c, "/v1/outcomes?after=0"));
    assert_true(answer_holds(
        &c, "\"first\":1,\"last\":1,\"state\":\"refused\",\"error\":\"STATE\",\"field\":\"name\""));
    call_close(&c);
}

static void a_refused_change_can_be_withdrawn(void **state)
{
    (void)state;
    const int64_t *numbers;
    struct call c;
    call_open(&c);
    begin_changes(&c.body);
    add_change(&c.body, 1, 100, "REFUSE", 0);
    end_changes(&c.body);
    assert_ok(post_changes(&c));
    buf_clear(&c.body);
    buf_add_str(&c.body, STR("{\"changes\":[{\"number\":2,\"replaces\":1,\"withdrawn\":true},"
                             "{\"number\":3,\"replaces\":2,\"withdrawn\":true}]}"));
    assert_ok(post_changes(&c));
    assert_false(answer_holds(&c, "\"number\":2,"));
    assert_true(answer_holds(&c, "\"number\":3,\"error\":\"DOOR_REPLACES\""));
    begin_changes(&c.body);
    add_change(&c.body, 4, 100, "西宮　花子", 0);
    end_changes(&c.body);
    assert_ok(post_changes(&c));
    assert_int_equal(door_stage_taken(&numbers, NULL), 1);
    call_close(&c);
}

static void a_correction_of_a_taken_change_is_passed_on(void **state)
{
    (void)state;
    const int64_t *numbers, *replaces;
    struct call c;
    call_open(&c);
    begin_changes(&c.body);
    add_change(&c.body, 1, 100, "西宮　花子", 0);
    add_change(&c.body, 2, 100, "西宮　梅子", 1);
    end_changes(&c.body);
    assert_ok(post_changes(&c));
    assert_int_equal(door_stage_taken(&numbers, &replaces), 2);
    assert_int_equal(replaces[1], 1);
    call_close(&c);
}

static void a_number_the_register_has_not_heard_is_filled_in(void **state)
{
    (void)state;
    struct call c;
    call_open(&c);
    buf_add_str(&c.body, STR("{\"changes\":["));
#define PERSON(number, given, reason)                                                                        \
    "{\"number\":" number ",\"identity\":{\"resident_code\":\"24727059608\"," given                          \
    "\"foreign\":false,\"name\":\"西宮　花子\",\"birth_date\":\"2026-01-01\",\"sex\":\"female\","       \
    "\"area_code\":\"282049\",\"address\":\"兵庫県西宮市\",\"change\":{\"change_reason\":\"" reason          \
    "\",\"change_date\":\"2026-01-02\"}}}"
    buf_add_str(&c.body, STR(PERSON("1", "\"individual_number\":\"379474484458\",",
                                    "birth") "," PERSON("2", "", "move_within") "]}"));
    assert_ok(post_changes(&c));
    assert_true(answer_holds(&c, "\"refused\":[]"));
    assert_int_equal(door_stage_last_number(), 379474484458);
    call_close(&c);
}

static void people_of_other_municipalities_are_refused(void **state)
{
    (void)state;
    struct call c;
    call_open(&c);
    range(&c.body, 1, 1);
    char *area = strstr(c.body.p, "282049");
    memcpy(area, "281000", 6); /* a designated city as such holds no addresses */
    assert_ok(post_changes(&c));
    assert_true(answer_holds(&c, "AREA_CODE_ADDRESS"));
    range(&c.body, 2, 2);
    area = strstr(c.body.p, "282049");
    memcpy(area, "282022", 6);
    assert_ok(post_changes(&c));
    assert_true(answer_holds(&c, "DOOR_AREA"));
    call_close(&c);
}

/* ---- the way back ---- */

static void *speak_later(void *arg)
{
    (void)arg;
    usleep(150000);
    door_stage_outcome(&stage, 1, 900, 'a', ERR_OK);
    return NULL;
}

static void a_waiting_reader_is_woken_by_an_outcome(void **state)
{
    (void)state;
    struct call c;
    pthread_t speaker;
    call_open(&c);
    int64_t began = clock_steady();
    assert_int_equal(pthread_create(&speaker, NULL, speak_later, NULL), 0);
    assert_ok(get(&c, "/v1/outcomes?after=0&wait=30"));
    assert_true(clock_steady() - began < 10 * 1000000);
    pthread_join(speaker, NULL);
    assert_true(answer_holds(&c, "{\"first\":1,\"last\":900,\"state\":\"applied\"}"));
    assert_int_equal(answer_int(&c, "cursor"), 1);
    assert_ok(get(&c, "/v1/outcomes?after=1"));
    assert_int_equal(answer_int(&c, "cursor"), 1);
    call_close(&c);
}

static void *speak_ahead_later(void *arg)
{
    (void)arg;
    usleep(150000);
    door_stage_ahead(&stage, 7, 8);
    return NULL;
}

/* Told once, and only to who waits; the outcome comes by itself. */
static void a_waiting_reader_is_told_ahead(void **state)
{
    (void)state;
    struct call c;
    pthread_t speaker;
    call_open(&c);
    assert_int_equal(pthread_create(&speaker, NULL, speak_ahead_later, NULL), 0);
    assert_ok(get(&c, "/v1/outcomes?after=0&wait=30"));
    pthread_join(speaker, NULL);
    assert_true(
        answer_holds(&c, "\"outcomes\":[],\"ahead\":[{\"first\":7,\"last\":8,\"state\":\"applied\"}]"));
    assert_int_equal(answer_int(&c, "cursor"), 0);
    door_stage_ahead(&stage, 9, 9);
    assert_ok(get(&c, "/v1/outcomes?after=0"));
    assert_false(answer_holds(&c, "ahead"));
    for (int i = 0; i < 100; i++) /* more than anybody fetches: the rest is left out */
        door_stage_ahead(&stage, 10 + i, 10 + i);
    assert_ok(get(&c, "/v1/outcomes?after=0&wait=1"));
    assert_true(answer_holds(&c, "{\"first\":9,\"last\":9,"));
    assert_false(answer_holds(&c, "\"first\":109,"));
    door_stage_outcome(&stage, 7, 8, 'a', ERR_OK);
    assert_ok(get(&c, "/v1/outcomes?after=0&wait=1"));
    assert_true(
        answer_holds(&c, "\"outcomes\":[{\"first\":7,\"last\":8,\"state\":\"applied\"}],\"cursor\":1"));
    call_close(&c);
}

static void numbers_come_as_json_and_as_telegrams(void **state)
{
    (void)state;
    struct call c;
    struct telegram_person persons[TELEGRAM_837Y_PERSONS];
    struct area_code area;
    size_t n, seen = 0;
    call_open(&c);
    for (int64_t i = 1; i <= 150; i++)
        door_stage_number(&stage, resident_code_from_payload(i), individual_number_from_payload(i), i);
    assert_ok(get(&c, "/v1/numbers?after=149"));
    assert_str(buf_str(&c.answer), "{\"numbers\":[{\"change\":150,\"resident_code\":\"00000001503\","
                                   "\"individual_number\":\"000000001503\"}],\"cursor\":150}");
    assert_ok(get(&c, "/v1/telegrams/837Y"));
    struct str rest = buf_str(&c.answer);
    while (rest.n) {
        assert_ok(telegram_837y_read(NULL, &rest, &area, persons, &n));
        assert_int_equal(persons[0].code.value, resident_code_from_payload((int64_t)seen + 1).value);
        seen += n;
    }
    assert_int_equal(seen, 150);
    call_close(&c);
}

static void a_repeated_draw_gives_the_same_codes(void **state)
{
    (void)state;
    struct call c;
    char first[4096];
    call_open(&c);
    struct str body = STR("{\"draw\":\"load-1\",\"count\":50}");
    assert_ok(door_client_call(c.client, NULL, "/v1/resident-codes", body, &c.answer, NULL));
    snprintf(first, sizeof first, "%s", c.answer.p);
    assert_ok(door_client_call(c.client, NULL, "/v1/resident-codes", body, &c.answer, NULL));
    assert_string_equal(c.answer.p, first);
    body = STR("{\"draw\":\"load-2\",\"count\":50}");
    assert_ok(door_client_call(c.client, NULL, "/v1/resident-codes", body, &c.answer, NULL));
    assert_string_not_equal(c.answer.p, first);
    body = STR("{\"draw\":\"load-3\",\"count\":950}"); /* more than there are: others are asked for */
    assert_err(door_client_call(c.client, NULL, "/v1/resident-codes", body, &c.answer, NULL),
               ERR_STOCK_EMPTY);
    assert_int_equal(door_stage_filled(), 1000);
    call_close(&c);
}

static void another_number_is_asked_for_once(void **state)
{
    (void)state;
    struct call c;
    int64_t code;
    struct str body = STR("{\"name\":\"n-1\",\"resident_code\":\"24727059608\",\"request\":\"change\"}");
    call_open(&c);
    for (int i = 0; i < 2; i++)
        assert_ok(door_client_call(c.client, NULL, "/v1/number-requests", body, &c.answer, NULL));
    assert_int_equal(door_stage_requested(&code), 1);
    assert_int_equal(code, 24727059608);
    body = STR("{\"name\":\"n-2\",\"resident_code\":\"24727059608\",\"request\":\"new\"}");
    assert_err(door_client_call(c.client, NULL, "/v1/number-requests", body, &c.answer, NULL),
               ERR_FIELD_RANGE);
    call_close(&c);
}

/* What is new is refused; what stands there is still told. */
static void while_the_disk_is_low_nothing_new_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
    } rows[] = {
        {"/v1/resident-codes", "{\"draw\":\"d\",\"count\":1}"},
        {"/v1/number-requests", "{\"name\":\"n\",\"resident_code\":\"24727059608\",\"request\":\"change\"}"},
    };
    const int64_t *numbers;
    struct call c;
    call_open(&c);
    range(&c.body, 1, 3);
    door_stage_disk_low(true);
    assert_err(post_changes(&c), ERR_DISK_LOW);
    assert_int_equal(door_stage_taken(&numbers, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_err(door_client_call(c.client, NULL, rows[i].path, str_of(rows[i].body), &c.answer, NULL),
                   ERR_DISK_LOW);
    assert_ok(get(&c, "/v1/status"));
    assert_int_equal(answer_int(&c, "changes"), 0);
    door_stage_disk_low(false);
    assert_ok(post_changes(&c));
    assert_int_equal(answer_int(&c, "taken"), 3);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_ok(door_client_call(c.client, NULL, rows[i].path, str_of(rows[i].body), &c.answer, NULL));
    call_close(&c);
}

static void status_says_where_the_door_stands(void **state)
{
    (void)state;
    struct call c;
    call_open(&c);
    begin_changes(&c.body);
    add_change(&c.body, 1, 100, "REFUSE", 0);
    add_change(&c.body, 2, 200, "西宮　太郎", 0);
    end_changes(&c.body);
    assert_ok(post_changes(&c));
    assert_ok(get(&c, "/v1/status"));
    assert_int_equal(answer_int(&c, "changes"), 2);
    assert_int_equal(answer_int(&c, "refused"), 1);
    assert_int_equal(answer_int(&c, "waiting_for_number"), 1);
    assert_true(answer_holds(&c, "\"unused\":900"));
    assert_ok(
        door_client_call(c.client, NULL, "/v1/resend", STR("{\"first\":1,\"last\":2}"), &c.answer, NULL));
    assert_int_equal(answer_int(&c, "sent"), 2);
    call_close(&c);
}

/* ---- the document ---- */

/* Paths stand at two blanks, methods at four, in the part between "paths:" and "components:". */
static void the_document_names_the_same_routes(void **state)
{
    (void)state;
    char path[512], current[128] = "", method[16];
    struct buf text;
    struct str rest, line;
    size_t count, found = 0;
    const struct door_route *routes = door_routes(&count), *route;
    bool inside = false;
    snprintf(path, sizeof path, "%s/docs/door-openapi.yaml",
             getenv("JUKI_SOURCE") ? getenv("JUKI_SOURCE") : ".");
    buf_init(&text, 1 << 20);
    assert_ok(file_read(NULL, path, &text));
    rest = buf_str(&text);
    while (str_cut(&rest, '\n', &line)) {
        if (line.n && line.p[0] != ' ')
            inside = str_equal(line, STR("paths:"));
        if (inside && str_starts(line, STR("  /")))
            snprintf(current, sizeof current, "%.*s", (int)line.n - 3, line.p + 2);
        for (size_t i = 0; inside && i < 2; i++) {
            if (!str_equal(line, i ? STR("    post:") : STR("    get:")))
                continue;
            snprintf(method, sizeof method, "%s", i ? "POST" : "GET");
            assert_ok(door_route_find(NULL, str_of(method), str_of(current), &route));
            found++;
        }
    }
    assert_int_equal(found, count);
    assert_int_equal(routes[0].path[0], '/');
    buf_release(&text);
}

/* ---- the watched folder ---- */

static int setup_watched(void **state)
{
    (void)state;
    door_stage_open(&stage, true);
    return 0;
}

static const char *in_folder(char out[static 256], const char *name)
{
    snprintf(out, 256, "%s/watched/%s", stage.folder, name);
    return out;
}

static void drop(const char *name, const struct buf *body)
{
    char from[256], to[256];

    assert_ok(file_write(NULL, in_folder(from, "being-written"), buf_str(body), 0600));
    char place[128];
    snprintf(place, sizeof place, "in/%s", name);
    assert_int_equal(rename(from, in_folder(to, place)), 0);
}

static void wait_for_file(const char *name)
{
    char path[256];
    int64_t until = clock_steady() + 20 * 1000000;

    while (!file_exists(in_folder(path, name))) {
        if (clock_steady() > until)
            fail_msg("%s never came", name);
        usleep(5000);
    }
}

static bool file_holds(const char *name, const char *part)
{
    char path[256];
    struct buf text;

    buf_init(&text, 1 << 20);
    assert_ok(file_read(NULL, in_folder(path, name), &text));
    bool holds = text.p && strstr(text.p, part) != NULL;
    buf_release(&text);
    return holds;
}

static void files_are_taken_in_the_order_of_names(void **state)
{
    (void)state;
    const int64_t *numbers;
    struct buf b;
    buf_init(&b, 1 << 20);
    range(&b, 3, 4);
    drop("b.json.part", &b); /* not a request by its name */
    char from[256], to[256];
    range(&b, 1, 2);
    drop("a.json", &b);
    wait_for_file("taken/a.json");
    assert_int_equal(rename(in_folder(from, "in/b.json.part"), in_folder(to, "in/b.json")), 0);
    wait_for_file("taken/b.json");
    assert_true(file_holds("taken/b.json.result.json", "{\"taken\":4,\"refused\":[]}"));
    range(&b, 9, 9);
    drop("gap.json", &b);
    wait_for_file("refused/gap.json");
    assert_true(file_holds("refused/gap.json.result.json", "\"expected\":5"));
    buf_clear(&b);
    buf_add_str(&b, STR("{\"changes\":"));
    drop("half.json", &b);
    wait_for_file("refused/half.json");
    assert_true(file_holds("refused/half.json.result.json", "\"error\":\"JSON\""));
    assert_int_equal(door_stage_taken(&numbers, NULL), 4);
    buf_release(&b);
}

/* Killed after the changes were committed and before the file was moved: the file is found again. */
static void a_file_processed_twice_changes_nothing(void **state)
{
    (void)state;
    const int64_t *numbers;
    struct buf b;
    buf_init(&b, 1 << 20);
    range(&b, 1, 3);
    drop("a.json", &b);
    wait_for_file("taken/a.json");
    drop("a.json", &b);
    char path[256];
    int64_t until = clock_steady() + 20 * 1000000;
    while (file_exists(in_folder(path, "in/a.json"))) {
        assert_true(clock_steady() < until);
        usleep(5000);
    }
    assert_true(file_holds("taken/a.json.result.json", "{\"taken\":3,\"refused\":[]}"));
    assert_int_equal(door_stage_taken(&numbers, NULL), 3);
    buf_release(&b);
}

static void the_feeds_are_written_to_files_in_pages(void **state)
{
    (void)state;
    struct telegram_person persons[TELEGRAM_837Y_PERSONS];
    struct area_code area;
    size_t n;
    door_stage_outcome(&stage, 1, 20, 'a', ERR_OK);
    wait_for_file("out/outcomes-000000000001.json");
    assert_true(
        file_holds("out/outcomes-000000000001.json", "{\"first\":1,\"last\":20,\"state\":\"applied\"}"));
    door_stage_number(&stage, (struct resident_code){24727059608}, (struct individual_number){379474484458},
                      1);
    wait_for_file("out/numbers-000000000001.json"); /* written after the telegram */
    char path[256];
    struct buf text;
    buf_init(&text, 10000);
    assert_ok(file_read(NULL, in_folder(path, "out/837Y-000000000001.dat"), &text));
    struct str rest = buf_str(&text);
    assert_ok(telegram_837y_read(NULL, &rest, &area, persons, &n));
    assert_int_equal(area.value, STAGE_AREA);
    assert_int_equal(persons[0].number.value, 379474484458);
    buf_release(&text);
    door_stage_outcome(&stage, 21, 21, 'r', ERR_STATE);
    wait_for_file("out/outcomes-000000000002.json");
}

static size_t count_text(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

struct in_files {
    size_t files, telegrams, numbers; /* of numbers */
};

/* And not one that is still being written. */
static bool is_page(const char *name, const char *stem, const char *end)
{
    size_t n = strlen(name);
    return strncmp(name, stem, strlen(stem)) == 0 && n > strlen(end) &&
           strcmp(name + n - strlen(end), end) == 0;
}

static struct in_files numbers_in_files(void)
{
    struct in_files found = {0};
    struct telegram_person persons[TELEGRAM_837Y_PERSONS];
    struct area_code area;
    struct dirent **list = NULL;
    char path[256], name[600];
    struct buf text;
    int entries = scandir(in_folder(path, "out"), &list, NULL, NULL);
    buf_init(&text, 4 << 20);
    for (int i = 0; i < entries; i++) {
        size_t n;
        snprintf(name, sizeof name, "%s/%s", path, list[i]->d_name);
        buf_clear(&text);
        bool json = is_page(list[i]->d_name, "numbers-", ".json"),
             telegram = is_page(list[i]->d_name, "837Y-", ".dat");
        if (json || telegram)
            assert_ok(file_read(NULL, name, &text));
        found.files += json;
        found.numbers += json ? count_text(text.p, "\"change\"") : 0;
        for (struct str rest = buf_str(&text); telegram && rest.n; found.telegrams += n)
            assert_ok(telegram_837y_read(NULL, &rest, &area, persons, &n));
        free(list[i]);
    }
    free(list);
    buf_release(&text);
    return found;
}

/* Numbers come while the files are written: each is in either form, once. */
static void both_forms_of_the_numbers_hold_the_same(void **state)
{
    (void)state;
    size_t given = 0;
    int64_t until = clock_steady() + 30 * 1000000;
    while (numbers_in_files().files < 3 && clock_steady() < until)
        for (int i = 0; i < 20; i++, given++)
            door_stage_number(&stage, (struct resident_code){24727059608},
                              (struct individual_number){379474484458}, (int64_t)given + 1);
    while (numbers_in_files().numbers < given && clock_steady() < until)
        usleep(20000);
    struct in_files found = numbers_in_files();
    assert_int_equal(found.numbers, given);
    assert_int_equal(found.telegrams, given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        ROW(only_the_register_of_this_cs_enters),
        ROW(tls_1_2_is_not_spoken),
        ROW(who_fails_at_the_handshake_is_counted),
        ROW(the_client_refuses_a_cs_of_another_name),
        ROW(bad_requests_are_told_why),
        ROW(a_body_over_4_mib_is_refused),
        ROW(changes_are_taken_once_and_in_order),
        ROW(other_content_under_a_used_number_is_refused),
        ROW(a_refused_change_stops_nothing_but_its_person),
        ROW(a_refused_change_can_be_withdrawn),
        ROW(a_correction_of_a_taken_change_is_passed_on),
        ROW(a_number_the_register_has_not_heard_is_filled_in),
        ROW(people_of_other_municipalities_are_refused),
        ROW(a_waiting_reader_is_woken_by_an_outcome),
        ROW(a_waiting_reader_is_told_ahead),
        ROW(numbers_come_as_json_and_as_telegrams),
        ROW(a_repeated_draw_gives_the_same_codes),
        ROW(another_number_is_asked_for_once),
        ROW(while_the_disk_is_low_nothing_new_is_taken),
        ROW(status_says_where_the_door_stands),
        cmocka_unit_test(the_document_names_the_same_routes),
#define WATCHED(test) cmocka_unit_test_setup_teardown(test, setup_watched, teardown)
        WATCHED(files_are_taken_in_the_order_of_names),
        WATCHED(a_file_processed_twice_changes_nothing),
        WATCHED(the_feeds_are_written_to_files_in_pages),
        WATCHED(both_forms_of_the_numbers_hold_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
