/* SPDX-License-Identifier: Apache-2.0 */
/* One TLS 1.3 connection between two nodes, both with certificates, ALPN "juki/1". Blocking; used by one
 * thread.
 *
 * Promises of a channel that was opened: the peer holds a certificate of the directory's CA that is valid now
 * and names a node of the directory that is not revoked. Everything else was refused before. */
#ifndef JUKI_LINK_CHANNEL_H
#define JUKI_LINK_CHANNEL_H

#include "link/directory.h"
#include "link/frame.h"

/* This node's certificate and key for TLS; references are counted so that a renewed one can be put in. */
struct credentials;
/* key_uri: file: or pkcs11: (refused when others may read it). certificate_path: PEM chain. */
MUST_CHECK enum err credentials_load(struct fail *f, const char *key_uri, const char *certificate_path,
                                     struct credentials **out);
struct credentials *credentials_ref(struct credentials *c);
void credentials_unref(struct credentials *c);
/* Stamp at which this node's certificate ends. */
int64_t credentials_until(const struct credentials *c);

struct channel;
enum { CHANNEL_HANDSHAKE_MS = 5000 };
/* Dials "host:port" and requires the peer to be `expected`. ERR_CONNECT, ERR_TLS, ERR_ALPN,
 * ERR_CERTIFICATE..., ERR_NODE_UNKNOWN, ERR_NODE_REVOKED, ERR_ORIGIN (another node answered). */
MUST_CHECK enum err channel_dial(struct fail *f, struct credentials *c, const struct directory *d,
                                 const char *address, const struct node_name *expected, struct channel **out);
/* Takes fd over (closed on failure too). */
MUST_CHECK enum err channel_accept(struct fail *f, struct credentials *c, const struct directory *d, int fd,
                                   struct channel **out);
/* The same with a deadline on the steady clock (and the handshake's own limit), which then holds for what is
 * read and sent: see channel_until. */
MUST_CHECK enum err channel_dial_until(struct fail *f, struct credentials *c, const struct directory *d,
                                       const char *address, const struct node_name *expected,
                                       int64_t deadline, struct channel **out);
const struct node_name *channel_peer(const struct channel *c);
/* Is the peer still welcome under a directory that may be newer than the one it was let in by? Gives its node
 * there. ERR_NODE_UNKNOWN, ERR_NODE_REVOKED (the node, or the certificate it showed). */
MUST_CHECK enum err channel_check_peer(struct fail *f, const struct channel *c, const struct directory *d,
                                       const struct directory_node **node);
void channel_close(struct channel *c); /* says goodbye, closes; accepts NULL */
/* From another thread: makes a blocked read or write of the channel's own thread fail. */
void channel_interrupt(struct channel *c);
/* How long channel_read waits for the next byte (ERR_TIMEOUT after). */
void channel_patience(struct channel *c, int seconds);
/* From now on whatever is read or sent must be over by that stamp of the steady clock (ERR_TIMEOUT after); 0:
 * each byte as patience says. */
void channel_until(struct channel *c, int64_t deadline);
/* Has anything come since channel_until? */
bool channel_heard(const struct channel *c);

MUST_CHECK enum err channel_send(struct fail *f, struct channel *c, struct str bytes);
/* The next frame; its payload lies in the arena. ERR_PEER_CLOSED at the end, ERR_TIMEOUT, ERR_FRAME... */
MUST_CHECK enum err channel_read(struct fail *f, struct channel *c, struct arena *a, struct frame *out);

#endif
