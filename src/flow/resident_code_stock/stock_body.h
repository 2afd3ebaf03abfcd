/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a stock notice. Private to the flow. */
#ifndef JUKI_FLOW_RESIDENT_CODE_STOCK_STOCK_BODY_H
#define JUKI_FLOW_RESIDENT_CODE_STOCK_STOCK_BODY_H

#include "flow/resident_code_stock/resident_code_stock.h"

enum { STOCK_BODY_MAX = 512 * 1024 };

struct stock_body {
    struct area_code area; /* the municipality they are designated for */
    int64_t filling;       /* codes in all notices of this filling */
    int64_t request;       /* the place of the request in the CS's stream; 0 not said */
    size_t count;
    struct resident_code codes[STOCK_NOTICE_CODES];
};

/* Its area, filling and request, and these codes. */
void stock_body_write(struct buf *b, const struct stock_body *body, const struct resident_code *codes,
                      size_t count);
/* 1..STOCK_NOTICE_CODES codes, each valid; ERR_FIELD_RANGE, ERR_FIELD_TYPE, ERR_AREA_CODE_*,
 * ERR_RESIDENT_CODE_*. On failure count is 0. */
MUST_CHECK enum err stock_body_read(struct fail *f, const struct json *body, struct stock_body *out);

#endif
