/* SPDX-License-Identifier: Apache-2.0 */
/* Who and what is turned away at the door. */
#include "door/door.h"
#include "door_call.h"
#include "stores.h"
#include "test.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- who may enter ---- */

static void only_the_register_of_this_cs_enters(void **state)
{
    struct door_stage *stage = *state;
    const struct {
        const char *key, *certificate;
        long want;
    } rows[] = {
        {stage->key, stage->certificate, 200},
        {stage->stranger_key, stage->stranger_certificate, 403},
        {stage->forged_key, stage->forged_certificate, 403},
        {NULL, NULL, 403},
    };
    char url[80];
    const char *source;
    size_t refused = 0;
    snprintf(url, sizeof url, "%s/v1/status", stage->url);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CURL *curl = curl_easy_init();
        FILE *nothing = fopen("/dev/null", "w");
        long status = 0;
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, nothing);
        curl_easy_setopt(curl, CURLOPT_CAINFO, stage->ca);
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
    struct door_stage *stage = *state;
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, stage->url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, stage->ca);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, stage->key);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, stage->certificate);
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

static int connect_plainly(const struct door_stage *stage)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t port = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && str_to_uint(str_of(strrchr(stage->url, ':') + 1), 65535, &port));
    at.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* A handshake that fails never becomes a request; it is counted for the ledger all the same. */
static void who_fails_at_the_handshake_is_counted(void **state)
{
    struct door_stage *stage = *state;
    tls_1_2_is_not_spoken(state);
    wait_for_strangers(1);
    assert_int_equal(door_stage_stranger_error(), ERR_TLS);
    int fd = connect_plainly(stage);
    assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    close(fd);
    wait_for_strangers(2);
    close(connect_plainly(stage));
    wait_for_strangers(3);
    struct door_call c; /* who is heard is not counted when the connection ends */
    door_call_open(&c, stage);
    assert_ok(door_call_get(&c, "/v1/status"));
    door_call_close(&c);
    door_stage_restart(stage); /* every connection has ended */
    assert_int_equal(strangers(), 3);
}

static void the_client_refuses_a_cs_of_another_name(void **state)
{
    struct door_stage *stage = *state;
    struct door_client *c;
    struct buf answer;
    buf_init(&answer, 10000);
    assert_ok(door_client_new(NULL,
                              &(struct door_client_config){.url = stage->url,
                                                           .area = {281000},
                                                           .tls_key_path = stage->key,
                                                           .tls_certificate_path = stage->certificate,
                                                           .ca_path = stage->ca},
                              &c));
    assert_err(door_client_call(c, NULL, "/v1/status", (struct str){NULL, 0}, &answer, NULL), ERR_DOOR_LOST);
    door_client_free(c);
    buf_release(&answer);
}

/* ---- what is no request ---- */

static void bad_requests_are_told_why(void **state)
{
    struct door_stage *stage = *state;
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
    struct door_call c;
    door_call_open(&c, stage);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_err(door_client_call(c.client, &c.fail, rows[i].path, str_of(rows[i].body), &c.answer, NULL),
                   rows[i].want);
    door_call_close(&c);
}

static void a_body_over_4_mib_is_refused(void **state)
{
    struct door_stage *stage = *state;
    struct door_call c;
    door_call_open(&c, stage);
    memset(buf_reserve(&c.body, (4 << 20) + 1), ' ', (4 << 20) + 1);
    /* refused at its head: the connection may break before the answer is read */
    enum err e = door_call_post(&c);
    assert_true(e == ERR_LIMIT || e == ERR_DOOR_LOST);
    buf_clear(&c.body);
    changes_begin(&c.body);
    for (int i = 1; i <= 2001; i++)
        changes_add(&c.body, i, i, "西宮　花子", 0);
    changes_end(&c.body);
    assert_err(door_call_post(&c), ERR_DOOR_COUNT);
    door_call_close(&c);
}

/* What is new is refused; what stands there is still told. */
static void while_the_disk_is_low_nothing_new_is_taken(void **state)
{
    struct door_stage *stage = *state;
    static const struct {
        const char *path, *body;
    } rows[] = {
        {"/v1/resident-codes", "{\"draw\":\"d\",\"count\":1}"},
        {"/v1/number-requests", "{\"name\":\"n\",\"resident_code\":\"24727059608\",\"request\":\"change\"}"},
    };
    const int64_t *numbers;
    struct door_call c;
    door_call_open(&c, stage);
    changes_range(&c.body, 1, 3);
    door_stage_disk_low(true);
    assert_err(door_call_post(&c), ERR_DISK_LOW);
    assert_int_equal(door_stage_taken(&numbers, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_err(door_client_call(c.client, NULL, rows[i].path, str_of(rows[i].body), &c.answer, NULL),
                   ERR_DISK_LOW);
    assert_ok(door_call_get(&c, "/v1/status"));
    assert_int_equal(door_call_int(&c, "changes"), 0);
    door_stage_disk_low(false);
    assert_ok(door_call_post(&c));
    assert_int_equal(door_call_int(&c, "taken"), 3);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_ok(door_client_call(c.client, NULL, rows[i].path, str_of(rows[i].body), &c.answer, NULL));
    door_call_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, door_stage_setup, door_stage_teardown)
        ROW(only_the_register_of_this_cs_enters),
        ROW(tls_1_2_is_not_spoken),
        ROW(who_fails_at_the_handshake_is_counted),
        ROW(the_client_refuses_a_cs_of_another_name),
        ROW(bad_requests_are_told_why),
        ROW(a_body_over_4_mib_is_refused),
        ROW(while_the_disk_is_low_nothing_new_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
