/* SPDX-License-Identifier: Apache-2.0 */
/* Questions over the real link: cs.282049 asks cs.282022. What is asked has its own answer or a clear error,
 * whatever breaks; both logs hold both. */
#include "link_network.h"

#include "base/clock.h"
#include "base/file.h"
#include "link/core.h"
#include "stores.h"
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ASKERS = 8, EACH = 60, LONG_MS = 60000 };

static struct test_network net;
static struct test_server *const a = &net.servers[CS_A], *const b = &net.servers[CS_B];
static atomic_long asked; /* how often answer() was called */
static atomic_bool held;  /* answer() waits as long as this is set */

/* ---- the kind: {"number":n} is answered by {"number":n,"from":asker} ---- */

static enum err scope(void *app UNUSED, const struct link_question *q, struct fail *f)
{
    return json_int(json_get(q->body, "number")) == 666 ? fail_set(f, ERR_SCOPE, "number", NULL) : ERR_OK;
}

static enum err answer(void *app UNUSED, const struct link_question *q, struct arena *arena UNUSED,
                       struct buf *body, struct fail *f)
{
    int64_t number = json_int(json_get(q->body, "number"));
    atomic_fetch_add(&asked, 1);
    while (atomic_load(&held))
        network_pause();
    if (number == 404)
        return fail_set(f, ERR_NOT_FOUND, "number", "not told");
    if (number == 507)
        return fail_set(f, ERR_IO, NULL, NULL);
    json_begin(body, NULL, '{');
    json_add_int(body, "number", number);
    json_add_text(body, "from", str_of(q->origin.text));
    json_end(body, '}');
    return ERR_OK;
}

static const struct link_question_kind questions[] = {{LINK_QUESTION_WIDE_AREA_CERTIFICATE, scope, answer}};

static int setup(void **state UNUSED)
{
    network_init(&net);
    atomic_store(&asked, 0);
    atomic_store(&held, false);
    a->questions = b->questions = questions;
    a->question_count = b->question_count = COUNT_OF(questions);
    return 0;
}

static int teardown(void **state UNUSED)
{
    network_release(&net);
    return 0;
}

static enum err ask(int64_t number, int64_t deadline_ms, struct fail *f, int64_t *got)
{
    char body[64];
    struct arena arena;
    struct link_answer out = {.time = 0};
    struct json *tree = NULL;
    snprintf(body, sizeof body, "{\"number\":%lld}", (long long)number);
    const struct link_ask question = {"cs.282022", LINK_QUESTION_WIDE_AREA_CERTIFICATE, str_of(body),
                                      deadline_ms};
    arena_init(&arena, 1 << 20);
    enum err e = link_ask(a->link, f, &question, &arena, &out);
    if (!e) {
        assert_int_equal(out.id.n, QUESTION_ID_SIZE - 1);
        assert_ok(json_read(NULL, out.body, &tree));
        assert_str(json_str(json_get(tree, "from")), "cs.282049");
        *got = json_int(json_get(tree, "number"));
        json_free(tree);
    }
    arena_release(&arena);
    return e;
}

static void expect_answer(int64_t number)
{
    struct fail f = {0};
    int64_t got = 0;
    if (ask(number, LONG_MS, &f, &got))
        fail_msg("%s %s %s", err_row(f.err)->name, f.field, f.detail);
    assert_int_equal(got, number);
}

static void a_question_has_its_answer_and_both_logs_hold_it(void **state UNUSED)
{
    server_start(a);
    server_start(b);
    expect_answer(7);
    expect_answer(8);
    assert_int_equal(server_communications(a, "question sent cs.282022 "), 2);
    assert_int_equal(server_communications(a, "answer received cs.282022 "), 2);
    assert_int_equal(server_communications(b, "question received cs.282049 "), 2);
    assert_int_equal(server_communications(b, " wide_area_certificate/1"), 4);
    assert_null(peer_find(b->link, "cs.282049")->inbound); /* no notice's place was taken */
    int lines = 0;
    for (int i = 0; i < LINES_MOST; i++)
        lines += peer_find(a->link, "cs.282022")->lines[i].channel != NULL;
    assert_int_equal(lines, 1); /* and the line was used again */
    assert_ok(link_sign_head(a->link, NULL));
    server_check_log(a);
    assert_ok(link_sign_head(b->link, NULL));
    server_check_log(b);
}

static void why_there_is_no_answer_is_said(void **state UNUSED)
{
    static const struct {
        int64_t number;
        enum err err;
        const char *field;
    } rows[] = {{666, ERR_SCOPE, "number"}, {404, ERR_NOT_FOUND, "number"}, {507, ERR_ANSWER_BUSY, ""}};
    server_start(a);
    server_start(b);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fail f = {0};
        int64_t got;
        assert_err(ask(rows[i].number, LONG_MS, &f, &got), rows[i].err);
        assert_string_equal(f.field, rows[i].field);
        assert_null(strstr(f.detail, "not told"));
    }
    assert_int_equal(server_communications(b, "answer sent cs.282049 "), 3);
    assert_int_equal(server_communications(a, "answer received cs.282022 "), 3);
}

static void nobody_there_is_not_too_late(void **state UNUSED)
{
    struct fail f = {0};
    int64_t got;
    server_start(a);
    assert_err(ask(1, LONG_MS, &f, &got), ERR_ANSWER_NONE);
    assert_int_equal(server_operations(a, "question unanswered cs.282022 "), 1);
    server_start(b);
    atomic_store(&held, true);
    assert_err(ask(2, 300, &f, &got), ERR_ANSWER_LATE);
    atomic_store(&held, false);
    expect_answer(3); /* and what came late for 2 is nobody's */
}

static void the_directory_in_force_decides(void **state UNUSED)
{
    struct fail f = {0};
    int64_t got;
    server_start(a);
    server_start(b);
    expect_answer(1);
    net.nodes[CS_A].revoked = true; /* while its line is open; it does not know yet */
    network_sign(&net);
    assert_ok(link_reload(b->link, NULL));
    assert_int_not_equal(ask(2, LONG_MS, &f, &got), ERR_OK);
    assert_int_equal(atomic_load(&asked), 1);
    net.nodes[CS_A].revoked = false;
    net.nodes[CS_B].revoked = true;
    network_sign(&net);
    assert_ok(link_reload(a->link, NULL));
    assert_err(ask(3, LONG_MS, &f, &got), ERR_NODE_REVOKED);
}

static void who_cannot_answer_says_so(void **state UNUSED)
{
    struct fail f = {0};
    int64_t got;
    struct arena arena;
    struct link_answer out;
    struct link_ask question = {"cs.282022", LINK_QUESTION_WIDE_AREA_CERTIFICATE, STR("{}"), 0};
    b->question_count = 0;
    server_start(a);
    server_start(b);
    assert_err(ask(1, LONG_MS, &f, &got), ERR_QUESTION_UNKNOWN);
    arena_init(&arena, 1 << 20);
    assert_err(link_ask(a->link, &f, &question, &arena, &out), ERR_FIELD_RANGE);
    question.deadline_ms = 1000;
    question.destination = "cs.999999";
    assert_err(link_ask(a->link, &f, &question, &arena, &out), ERR_NODE_UNKNOWN);
    question.destination = "prefecture.28";
    assert_err(link_ask(a->link, &f, &question, &arena, &out), ERR_KIND_FORBIDDEN);
    question.kind = LINK_KIND_IDENTITY_NOTICE;
    assert_err(link_ask(a->link, &f, &question, &arena, &out), ERR_QUESTION_UNKNOWN);
    arena_release(&arena);
}

static void a_full_disk_takes_no_question(void **state UNUSED)
{
    struct fail f = {0};
    int64_t got;
    b->disk_least = 101;
    server_start(a);
    server_start(b);
    WAIT(link_takes_work(b->link, NULL) == ERR_DISK_LOW);
    assert_err(ask(1, LONG_MS, &f, &got), ERR_ANSWER_BUSY);
    assert_int_equal(atomic_load(&asked), 0);
}

static void an_idle_line_that_broke_is_dialled_again(void **state UNUSED)
{
    server_start(a);
    server_start(b);
    expect_answer(1);
    server_stop(b);
    server_start(b);
    expect_answer(2);
    assert_int_equal(server_communications(a, "question sent "), 2);
}

/* ---- many at once, while lines are cut ---- */

struct asker {
    pthread_t thread;
    int64_t first, answered, mixed, strange;
};

static void *asker_run(void *arg)
{
    struct asker *k = arg;
    for (int64_t i = k->first; i < k->first + EACH; i++) {
        struct fail f = {0};
        int64_t got = -1;
        enum err e = ask(i, LONG_MS, &f, &got);
        k->answered += !e;
        k->mixed += !e && got != i;
        k->strange += e && e != ERR_ANSWER_NONE && e != ERR_ANSWER_LATE;
    }
    return NULL;
}

static void cut_lines(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < LINES_MOST; i++)
        if (p->lines[i].channel)
            channel_interrupt(p->lines[i].channel);
    pthread_mutex_unlock(&p->lock);
}

static void answers_are_never_mixed(void **state UNUSED)
{
    static struct asker askers[ASKERS];
    int64_t answered = 0;
    server_start(a);
    server_start(b);
    for (int64_t i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.first = 1000 * (i + 1)};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, asker_run, &askers[i]), 0);
    }
    for (long seen = 40; seen < ASKERS * EACH / 2; seen += 40) { /* in the midst of them, again and again */
        WAIT(atomic_load(&asked) >= seen);
        cut_lines(peer_find(a->link, "cs.282022"));
    }
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].mixed, 0);
        assert_int_equal(askers[i].strange, 0);
        answered += askers[i].answered;
    }
    assert_true(answered > ASKERS * EACH / 2);
    assert_int_equal(server_communications(a, "answer received "), answered);
    server_check_log(a);
    server_check_log(b);
}

static void *one_question(void *arg)
{
    struct fail f = {0};
    int64_t got = 0;
    *(enum err *)arg = ask(1, LONG_MS, &f, &got);
    return NULL;
}

static void whoever_asks_hears_that_the_server_stops(void **state UNUSED)
{
    pthread_t thread;
    enum err e = ERR_OK;
    server_start(a);
    server_start(b);
    atomic_store(&held, true);
    assert_int_equal(pthread_create(&thread, NULL, one_question, &e), 0);
    WAIT(atomic_load(&asked) == 1);
    link_stop(a->link);
    pthread_join(thread, NULL);
    assert_int_equal(e, ERR_STOPPING);
    atomic_store(&held, false);
}

/* ---- ends that are made by hand ---- */

struct hand {
    struct directory *directory;
    struct credentials *credentials;
    struct channel *channel;
    struct arena arena;
};

static void hand_init(struct hand *h, const struct test_server *own)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    *h = (struct hand){.channel = NULL};
    arena_init(&h->arena, 16 << 20);
    assert_ok(file_read(NULL, own->directory, &text));
    assert_ok(directory_read(NULL, buf_str(&text), (const uint8_t(*)[ED25519_PUBLIC])net.roots, 1,
                             clock_now(), &h->directory));
    assert_ok(credentials_load(NULL, own->tls_uri, own->certificate, &h->credentials));
    buf_release(&text);
}

static void hand_release(struct hand *h)
{
    channel_close(h->channel);
    credentials_unref(h->credentials);
    directory_unref(h->directory);
    arena_release(&h->arena);
}

static struct question question_of_a(void)
{
    struct question q = {.origin = "cs.282049",
                         .destination = "cs.282022",
                         .kind = "wide_area_certificate",
                         .version = 1,
                         .epoch = 1,
                         .time = clock_now(),
                         .deadline_ms = LONG_MS,
                         .body = STR("{\"number\":5}")};
    question_id_new(q.id);
    return q;
}

static void send_signed(struct hand *h, uint16_t kind, const char *member, struct str text)
{
    struct buf json;
    buf_init(&json, FRAME_PAYLOAD_MAX);
    json_begin(&json, NULL, '{');
    json_add_text(&json, member, text);
    json_end(&json, '}');
    assert_ok(frame_send(NULL, h->channel, kind, 1, buf_str(&json)));
    buf_release(&json);
}

/* Sends the question as cs.282049; what came: the error of a REFUSED, or of the answer, or 0. */
static enum err put(struct hand *h, const struct question *q, struct key *signer)
{
    struct buf text;
    struct frame frame;
    struct json *tree;
    struct str signed_answer = {NULL, 0};
    struct answer r;
    int64_t error = 0;
    buf_init(&text, QUESTION_TEXT_MAX);
    assert_ok(question_sign(NULL, signer, q, &text));
    send_signed(h, LINK_FRAME_QUESTION, "question", buf_str(&text));
    assert_ok(channel_read(NULL, h->channel, &h->arena, &frame));
    assert_ok(json_read(NULL, frame.payload, &tree));
    if (frame.kind == LINK_FRAME_ANSWER) {
        assert_ok(json_member_text(NULL, tree, "answer", &h->arena, &signed_answer));
        assert_ok(answer_verify(NULL, signed_answer, directory_find(h->directory, STR("cs.282022")), q,
                                buf_str(&text), &h->arena, &r));
        error = r.error;
    } else {
        assert_int_equal(frame.kind, LINK_FRAME_REFUSED);
        assert_ok(json_member_int(NULL, tree, "error", 1, 9999, &error));
    }
    json_free(tree);
    buf_release(&text);
    return (enum err)error;
}

static void hand_dial(struct hand *h)
{
    hand_init(h, a);
    assert_ok(channel_dial(NULL, h->credentials, h->directory, b->address, &b->name, &h->channel));
    channel_patience(h->channel, 20);
}

static void a_question_again_is_answered_again_but_not_another_under_its_id(void **state UNUSED)
{
    struct hand h;
    struct question q = question_of_a();
    server_start(b);
    hand_dial(&h);
    assert_err(put(&h, &q, a->key), ERR_OK);
    assert_err(put(&h, &q, a->key), ERR_OK);
    assert_int_equal(atomic_load(&asked), 2);
    q.body = STR("{\"number\":6}");
    assert_err(put(&h, &q, a->key), ERR_QUESTION_REPEATED);
    assert_int_equal(atomic_load(&asked), 2);
    assert_int_equal(server_communications(b, "question received "),
                     3); /* what is refused stands there too */
    hand_release(&h);
}

static void to_another(struct question *q)
{
    snprintf(q->destination, sizeof q->destination, "cs.131016");
}
static void of_another(struct question *q)
{
    snprintf(q->origin, sizeof q->origin, "cs.282022");
}
static void of_an_old_life(struct question *q)
{
    q->epoch = 2;
}
static void of_no_kind(struct question *q)
{
    snprintf(q->kind, sizeof q->kind, "something_else");
}
static void of_a_later_version(struct question *q)
{
    q->version = 9;
}

static void what_is_no_question_of_this_peer_is_refused(void **state UNUSED)
{
    static const struct {
        void (*change)(struct question *q);
        bool other_signer;
        enum err err;
    } rows[] = {
        {to_another, false, ERR_ORIGIN},
        {of_another, false, ERR_SIGNATURE_FORM},
        {of_an_old_life, false, ERR_EPOCH_OLD},
        {of_no_kind, false, ERR_QUESTION_UNKNOWN},
        {of_a_later_version, false, ERR_QUESTION_UNKNOWN},
        {NULL, true, ERR_SIGNATURE},
    };
    struct hand h;
    struct question q = question_of_a();
    server_start(b);
    q.epoch = 3;
    hand_dial(&h);
    assert_err(put(&h, &q, a->key), ERR_OK);
    hand_release(&h);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        q = question_of_a();
        q.epoch = 3;
        if (rows[i].change)
            rows[i].change(&q);
        hand_dial(&h);
        enum err e = put(&h, &q, rows[i].other_signer ? b->key : a->key);
        if (e != rows[i].err)
            fail_msg("row %zu: %s instead of %s", i, err_row(e)->name, err_row(rows[i].err)->name);
        hand_release(&h);
    }
    assert_int_equal(atomic_load(&asked), 1);
    assert_int_equal(server_operations(b, "refused cs.282049 "), 4);
}

static void nothing_but_questions_is_on_such_a_line(void **state UNUSED)
{
    struct hand h;
    struct frame frame;
    struct question q = question_of_a();
    server_start(b);
    hand_dial(&h);
    assert_err(put(&h, &q, a->key), ERR_OK);
    assert_ok(frame_send(NULL, h.channel, LINK_FRAME_HELLO, 1, STR("{}")));
    assert_ok(channel_read(NULL, h.channel, &h.arena, &frame));
    assert_int_equal(frame.kind, LINK_FRAME_REFUSED);
    assert_int_equal(server_operations(b, "refused cs.282049 FRAME_UNEXPECTED"), 1);
    hand_release(&h);
}

/* In the place of cs.282022: takes two questions, and gives each the other's answer. */
static void *swap_answers(void *arg)
{
    int listener = *(int *)arg;
    struct hand hands[2];
    struct question q[2];
    struct str texts[2];
    for (int i = 0; i < 2; i++) {
        struct frame frame;
        struct json *tree, *inner;
        const struct json *body;
        hand_init(&hands[i], b);
        assert_ok(channel_accept(NULL, hands[i].credentials, hands[i].directory, accept(listener, NULL, NULL),
                                 &hands[i].channel));
        assert_ok(channel_read(NULL, hands[i].channel, &hands[i].arena, &frame));
        assert_ok(json_read(NULL, frame.payload, &tree));
        assert_ok(json_member_text(NULL, tree, "question", &hands[i].arena, &texts[i]));
        assert_ok(question_verify(NULL, texts[i], directory_find(hands[i].directory, STR("cs.282049")), &q[i],
                                  &inner, &body));
        json_free(inner);
        json_free(tree);
    }
    for (int i = 0; i < 2; i++) {
        struct answer r = {.from = "cs.282022",
                           .to = "cs.282049",
                           .question = sha256_of(texts[!i]),
                           .epoch = 1,
                           .time = clock_now(),
                           .body = STR("{\"number\":1,\"from\":\"cs.282049\"}")};
        struct buf text;
        memcpy(r.id, q[!i].id, sizeof r.id);
        buf_init(&text, ANSWER_TEXT_MAX);
        assert_ok(answer_sign(NULL, b->key, &r, &text));
        send_signed(&hands[i], LINK_FRAME_ANSWER, "answer", buf_str(&text));
        buf_release(&text);
    }
    for (int i = 0; i < 2; i++)
        hand_release(&hands[i]);
    return NULL;
}

static void swapped_answers_are_an_alarm_and_are_not_used(void **state UNUSED)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pthread_t liar, askers[2];
    enum err errors[2] = {ERR_OK, ERR_OK};
    uint64_t port = 0;
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(str_to_uint(str_of(strchr(b->address, ':') + 1), 65535, &port));
    at.sin_port = htons((uint16_t)port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    server_start(a);
    assert_int_equal(pthread_create(&liar, NULL, swap_answers, &listener), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&askers[i], NULL, one_question, &errors[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(askers[i], NULL);
        assert_int_equal(errors[i], ERR_ANSWER_OTHER);
    }
    pthread_join(liar, NULL);
    close(listener);
    assert_int_equal(server_operations(a, "ANSWER_OTHER"), 2);
    assert_int_equal(server_communications(a, "answer received "), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_question_has_its_answer_and_both_logs_hold_it),
        TEST(why_there_is_no_answer_is_said),
        TEST(nobody_there_is_not_too_late),
        TEST(the_directory_in_force_decides),
        TEST(who_cannot_answer_says_so),
        TEST(a_full_disk_takes_no_question),
        TEST(an_idle_line_that_broke_is_dialled_again),
        TEST(answers_are_never_mixed),
        TEST(whoever_asks_hears_that_the_server_stops),
        TEST(a_question_again_is_answered_again_but_not_another_under_its_id),
        TEST(what_is_no_question_of_this_peer_is_refused),
        TEST(nothing_but_questions_is_on_such_a_line),
        TEST(swapped_answers_are_an_alarm_and_are_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
