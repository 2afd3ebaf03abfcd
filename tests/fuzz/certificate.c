/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, as PEM text and as DER from a handshake: what a reader says of one is whole. Whatever the
 * bytes are, only what our CA issued is believed. */
#include "fuzz.h"

#include "base/clock.h"
#include "keys/certificate.h"

static const char ca_pem[] = "-----BEGIN CERTIFICATE-----\n"
                             "MIIBhTCCASugAwIBAgIQdjc8cXD4WWN/AFbhThqjSTAKBggqhkjOPQQDAjAhMR8w\n"
                             "HQYDVQQDExZqdWtpIG5ldHdvcmsgYXV0aG9yaXR5MB4XDTI2MTEyNTIzMTMxNVoX\n"
                             "DTM2MTEyMjIzMTgxNVowITEfMB0GA1UEAxMWanVraSBuZXR3b3JrIGF1dGhvcml0\n"
                             "eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOive7CCmN/D03KG/6itJYnDoyLZ\n"
                             "cr7+WOkWfQjlK6SsKqSM+YlveTZyM+f9Km+I5D68aONt0c8OG7Rw+BPvFSKjRTBD\n"
                             "MB0GA1UdDgQWBBROblWT5bnxsHiqeozqpEKHc3+3cDASBgNVHRMBAf8ECDAGAQH/\n"
                             "AgEAMA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNIADBFAiEAy8lINOH7rKO0\n"
                             "nvmC7kH/a62yf+6XcLgoypXE0ScisEUCIC7m6yJkPb/ZMtxLpMub6t8/Bs/d4xHg\n"
                             "KfAwL2AYCzba\n"
                             "-----END CERTIFICATE-----\n";

void fuzz_target(struct str in)
{
    struct certificate_facts facts = {.node = ""};
    char node[CERTIFICATE_NODE_SIZE] = "";
    struct buf der;
    bool pem = fuzz_choose(&in, 2) == 0;
    buf_init(&der, CERTIFICATE_PEM_MAX);
    if (pem && !certificate_read(NULL, in, &facts)) {
        assert(memchr(facts.node, 0, sizeof facts.node) && memchr(facts.serial, 0, sizeof facts.serial));
        assert(facts.serial[0] && (!facts.node[0] || certificate_is_node_name(str_of(facts.node))));
    }
    struct str bytes = in;
    if (pem) {
        (void)!certificate_der(NULL, in, &der);
        bytes = buf_str(&der);
    }
    if (!certificate_node(NULL, bytes, node, sizeof node))
        assert(certificate_is_node_name(str_of(node)));
    enum err e = certificate_verify(NULL, bytes, str_of(ca_pem), INT64_C(1795700000000000), &facts);
    assert(e || certificate_is_node_name(str_of(facts.node)));
    if (pem) /* as the CA of a directory */
        (void)!certificate_verify(NULL, bytes, in, INT64_C(1795700000000000), &facts);
    buf_release(&der);
}
