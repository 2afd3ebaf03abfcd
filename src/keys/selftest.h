/* SPDX-License-Identifier: Apache-2.0 */
/* Does this program, on this machine, with these libraries, compute what was published? Run at installation, by an
 * inspector, and in the tests.
 *
 * Each answer is reported by one call; nothing is printed here. A run that could be made returns ERR_OK, right or
 * wrong: the count tells. Errors are for vectors that could not be read (ERR_NOT_FOUND, ERR_JSON, ERR_MALFORMED ...),
 * and a file that holds fewer tests than it says is malformed. */
#ifndef JUKI_KEYS_SELFTEST_H
#define JUKI_KEYS_SELFTEST_H

#include "base/buf.h"

struct selftest_count {
    uint64_t passed, failed;
};
struct selftest_line {
    const char *suite; /* "FF1 Wycheproof" */
    const char *name;  /* "3789 plaintext contains invalid values" */
    bool passed;
    const char *why; /* what went wrong, or "" */
};
/* line is valid during the call. */
typedef void selftest_report(void *arg, const struct selftest_line *line);

/* One known answer. run gives ERR_OK, or ERR_SELFTEST (or the error it met) with the detail in *f. */
struct selftest_answer {
    const char *name;
    enum err (*run)(struct fail *f);
};
/* Runs a table of them; other modules bring tables of their own. out is added to. report may be NULL, here and below. */
void selftest_run(const char *suite, const struct selftest_answer *rows, size_t count, selftest_report *report,
                  void *arg, struct selftest_count *out);
/* The table of what lies under every program: encodings, SHA-256, Merkle hashes, Ed25519, JWS, FF1. Adds to out. */
void selftest_known_answers(selftest_report *report, void *arg, struct selftest_count *out);

/* AES-FF1 vectors in Wycheproof's JSON: FpeListTest (arrays of digits) and FpeStrTest (strings over an alphabet), any
 * radix up to FF1_RADIX_MAX; a valid row of another radix fails with a line that says so. valid: both ways must give
 * the published text; invalid: must be refused; acceptable: either. Adds to out. */
MUST_CHECK enum err selftest_ff1_file(struct fail *f, const char *path, selftest_report *report, void *arg,
                                      struct selftest_count *out);
/* NIST's samples as a table: radix, key, tweak, plaintext, ciphertext; digits 0-9a-z. Adds to out. */
MUST_CHECK enum err selftest_ff1_nist(struct fail *f, const char *path, selftest_report *report, void *arg,
                                      struct selftest_count *out);

#endif
