/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/digits.h"

bool digits_read(struct str text, size_t count, int64_t *out)
{
    int64_t value = 0;
    if (text.n != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned char)text.p[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

void digits_write(int64_t value, size_t count, char *out)
{
    out[count] = 0;
    for (size_t i = count; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
}

void digits_write_masked(int64_t value, size_t count, char *out)
{
    digits_write(value, count, out);
    memset(out + 2, '*', count - 2);
}

int digits_weigh(int64_t value, const int8_t *weights, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++, value /= 10)
        sum += (int)(value % 10) * weights[i];
    return sum % 11;
}

int digits_check(int remainder)
{
    return remainder <= 1 ? 0 : 11 - remainder;
}

static bool has_full_width_digit(struct str text)
{
    for (size_t i = 0; i + 2 < text.n; i++) /* U+FF10..FF19 is EF BC 90..99 */
        if (memcmp(text.p + i, "\xef\xbc", 2) == 0 && (unsigned char)text.p[i + 2] >= 0x90 &&
            (unsigned char)text.p[i + 2] <= 0x99)
            return true;
    return false;
}

enum err digits_refuse(struct fail *f, enum err err, const char *field, struct str text, size_t count)
{
    if (has_full_width_digit(text))
        return fail_set(f, err, field, "full-width digits 全角数字");
    if (text.n != count && (text.n == 0 || str_is_digits(text)))
        return fail_set(f, err, field, "%zu digits 桁 ≠ %zu", text.n, count);
    return fail_set(f, err, field, "not only digits 数字以外の文字");
}
