/* SPDX-License-Identifier: Apache-2.0 */
/* GnuTLS takes over the key it is given, so it gets a forwarder; ours stays with its owner. */
#include "keys/credentials.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

enum { CHAIN_MAX = 4 };

/* The certificate must be the key's: a wrong pair would only be seen by every peer, one by one. */
static enum err check_pair(struct fail *f, struct key *k, const gnutls_pcert_st *first)
{
    unsigned char of_pem[64], of_key[64];
    size_t pem_n = sizeof of_pem, key_n = sizeof of_key;
    if (gnutls_pubkey_get_key_id(first->pubkey, 0, of_pem, &pem_n) < 0 ||
        gnutls_pubkey_get_key_id(key_gnutls_public(k), 0, of_key, &key_n) < 0 || pem_n != key_n ||
        memcmp(of_pem, of_key, key_n) != 0)
        return fail_set(f, ERR_CERTIFICATE, "certificate", "certificate and key do not belong together");
    return ERR_OK;
}

static enum err give(struct fail *f, gnutls_certificate_credentials_t to, struct key *k, gnutls_pcert_st *chain,
                     unsigned count)
{
    void *forwarder = NULL;
    enum err e = check_pair(f, k, &chain[0]);
    if (!e)
        e = key_gnutls_forward(f, k, &forwarder);
    if (e)
        return e;
    int code = gnutls_certificate_set_key(to, NULL, 0, chain, (int)count, forwarder);
    if (code >= 0)
        return ERR_OK;
    gnutls_privkey_deinit(forwarder);
    return fail_set(f, ERR_CERTIFICATE, "certificate", "%s", gnutls_strerror(code));
}

enum err credentials_new(struct fail *f, struct key *k, struct str pem, void **out)
{
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count = CHAIN_MAX;
    gnutls_datum_t d = {(unsigned char *)(uintptr_t)pem.p, (unsigned)pem.n};
    gnutls_certificate_credentials_t made;
    if (gnutls_certificate_allocate_credentials(&made) < 0)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    int code = gnutls_pcert_list_import_x509_raw(chain, &count, &d, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0) {
        gnutls_certificate_free_credentials(made);
        return fail_set(f, ERR_CERTIFICATE, "certificate", "%s", gnutls_strerror(code));
    }
    enum err e = give(f, made, k, chain, count);
    if (!e) {
        *out = made;
        return ERR_OK;
    }
    for (unsigned i = 0; i < count; i++)
        gnutls_pcert_deinit(&chain[i]);
    gnutls_certificate_free_credentials(made);
    return e;
}

void credentials_free(void *credentials)
{
    if (credentials)
        gnutls_certificate_free_credentials(credentials);
}
