/* SPDX-License-Identifier: Apache-2.0 */
/* Decides who may speak at the door. libmicrohttpd asks for a client certificate but does not refuse a peer
 * without one, so each connection is judged here before any request is routed: signed by the network's CA,
 * valid today, made for a client, and named register.AREA of this very municipality. Everybody else hears 403
 * and nothing more. */
#include "door/door_inside.h"

#include "base/file.h"
#include "keys/certificate.h"

#include <gnutls/x509.h>

void door_tls_free(struct door_tls *tls)
{
    while (tls) {
        struct door_tls *former = tls->former;
        for (unsigned i = 0; i < tls->count; i++)
            gnutls_pcert_deinit(&tls->chain[i]);
        key_free(tls->key);
        memory_free(tls);
        tls = former;
    }
}

static enum err load_chain(struct fail *f, const char *path, struct door_tls *tls)
{
    struct buf pem;
    unsigned count = DOOR_CHAIN_MAX;

    buf_init(&pem, 1 << 20);
    enum err e = file_read(f, path, &pem);
    if (!e) {
        const gnutls_datum_t bytes = {(unsigned char *)pem.p, (unsigned)pem.n};
        if (gnutls_pcert_list_import_x509_raw(tls->chain, &count, &bytes, GNUTLS_X509_FMT_PEM, 0) < 0)
            e = fail_set(f, ERR_CONFIG, "tls_certificate_path", NULL);
        else
            tls->count = count;
    }
    buf_release(&pem);
    return e;
}

enum err door_tls_load(struct door *d, struct fail *f)
{
    struct door_tls *tls = memory_new(sizeof *tls);
    enum err e;

    if (!tls)
        return fail_set(f, ERR_MEMORY, "door", NULL);
    if ((e = key_open(f, d->key_uri, &tls->key)) || (e = load_chain(f, d->certificate_path, tls))) {
        door_tls_free(tls);
        return e;
    }
    pthread_mutex_lock(&d->lock);
    tls->former = d->tls;
    d->tls = tls;
    pthread_mutex_unlock(&d->lock);
    return ERR_OK;
}

int door_tls_choose(gnutls_session_t session, const gnutls_datum_t *ca, int ca_count,
                    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
                    unsigned *count, gnutls_privkey_t *key)
{
    (void)ca, (void)ca_count, (void)algorithms, (void)algorithm_count;
    /* libmicrohttpd keeps its connection in the session, and the connection keeps what door_http.c gave it.
     */
    struct MHD_Connection *connection = gnutls_session_get_ptr(session);
    const union MHD_ConnectionInfo *info =
        connection ? MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT) : NULL;
    struct door *const *peer = info ? info->socket_context : NULL; /* struct peer begins with its door */

    if (!peer)
        return -1;
    struct door *d = *peer;
    pthread_mutex_lock(&d->lock);
    struct door_tls *tls = d->tls;
    pthread_mutex_unlock(&d->lock);
    *chain = tls->chain;
    *count = tls->count;
    *key = key_gnutls(tls->key);
    return 0;
}

enum err door_tls_check(struct door *d, struct fail *f, gnutls_session_t session)
{
    char purpose_text[] = GNUTLS_KP_TLS_WWW_CLIENT, node[64];
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)purpose_text};
    unsigned count = 0, status = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);

    if (!chain || !count)
        return fail_set(f, ERR_DOOR_CERTIFICATE, "certificate", "none was shown");
    if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status)
        return fail_set(f, ERR_DOOR_CERTIFICATE, "certificate", "verification status %u", status);
    if (certificate_node(f, (struct str){(const char *)chain[0].data, chain[0].size}, node, sizeof node))
        return fail_set(f, ERR_DOOR_CERTIFICATE, "certificate", "names no node");
    if (strcmp(node, d->register_name) != 0)
        return fail_set(f, ERR_DOOR_CERTIFICATE, "certificate", "%s is not %s", node, d->register_name);
    return ERR_OK;
}
