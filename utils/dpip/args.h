/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the words of a command as the tables of its verb say. See dpip.h.
 */
#ifndef ARGS_H
#define ARGS_H

#include <stddef.h>

#include "dpip/dpip.h"

/** args_count: number of parameters in a list (NULL: 0). */
size_t args_count(const struct dpip_param *params);

/**
 * args_parse: reads @words, NULL-ended, into @v, which has room for args_count() values.
 * @family: 0, or the only family that addresses may have
 * @err: one line that says what is wrong, when it is
 * Returns: 0, or -EINVAL, or -EOPNOTSUPP for what this build does not do.
 */
int args_parse(const struct dpip_param *params, char *const *words, int family, struct dpip_value *v,
	       char *err, size_t err_size);

/**
 * args_find: the parameter that @word belongs to: its keyword whole, else its value where that stands
 * alone, else an abbreviated keyword that no other fits.
 * @given: which parameters came before
 * Returns: the parameter, or NULL.
 */
const struct dpip_param *args_find(const struct dpip_param *params, const char *word, const bool *given,
				   bool *ret_is_keyword);

/** args_metavar: how help writes the value of @p. @buf may be used. */
const char *args_metavar(const struct dpip_param *p, char *buf, size_t size);

#endif
