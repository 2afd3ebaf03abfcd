/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh Ed25519 key for a test; its file is gone before the test begins. */
#ifndef JUKI_TESTS_UNIT_TEST_KEY_H
#define JUKI_TESTS_UNIT_TEST_KEY_H

#include "keys/key.h"

#include <unistd.h>

static inline struct key *test_key_new(uint8_t public_key[static ED25519_PUBLIC])
{
    char folder[] = "/tmp/juki-key-XXXXXX", uri[64];
    struct key *key = NULL;
    if (!mkdtemp(folder))
        abort();
    snprintf(uri, sizeof uri, "file:%s/key", folder);
    if (key_create_file(NULL, uri + 5, KEY_ED25519) || key_open(NULL, uri, &key) || key_public(NULL, key, public_key))
        abort();
    unlink(uri + 5);
    rmdir(folder);
    return key;
}

#endif
