/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the words of a command as the tables of its verb say, and says what is wrong with them as
 * ip does: which word, and what was wanted in its place.
 */
#include "dpip/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/parse.h"

size_t
args_count(const struct dpip_param *params)
{
	size_t n = 0;

	while (params && params[n].name)
		n++;
	return n;
}

static int __attribute__((format(printf, 3, 4)))
refuse(char *err, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* "on | off"; other names of a value already listed are left out. */
static const char *
list_words(const struct dpip_word *words, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (const struct dpip_word *w = words; w->name && len < size; w++)
		if (w == words || w[-1].value != w->value)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " | " : "",
						w->name);
	return buf;
}

const char *
args_metavar(const struct dpip_param *p, char *buf, size_t size)
{
	if (p->metavar)
		return p->metavar;
	switch (p->kind) {
	case DPIP_TEXT:
		return "NAME";
	case DPIP_DEV:
		return "DEV";
	case DPIP_ADDR:
		return "ADDR";
	case DPIP_PREFIX:
		return "PREFIX";
	case DPIP_ROUTE:
		return "{ PREFIX | default }";
	case DPIP_ADDRPORT:
		return "ADDR[:PORT]";
	case DPIP_MAC:
		return "MAC";
	case DPIP_UINT:
		return "N";
	case DPIP_LIFETIME:
		return "{ forever | SEC }";
	case DPIP_CHOICE:
		break;
	}
	return list_words(p->words, buf, size);
}

/* The choice that @word names: whole, or an abbreviation that only one value fits. */
static const struct dpip_word *
find_word(const struct dpip_word *words, const char *word)
{
	const struct dpip_word *found = NULL;
	size_t len = strlen(word);

	for (const struct dpip_word *w = words; w->name; w++) {
		if (strcasecmp(w->name, word) == 0)
			return w;
		if (len && strncasecmp(w->name, word, len) == 0) {
			if (found && found->value != w->value)
				return NULL;
			found = w;
		}
	}
	return found;
}

/* Puts the reason of a failed parse_...() in @err. */
static int
refuse_value(char *err, size_t size, const struct parse_err *why)
{
	return refuse(err, size, "Error: %s.", why->text);
}

static int
parse_text(const struct dpip_param *p, const char *word, const char *what, struct parse_err *why)
{
	if (word[0] != '\0' && strlen(word) <= p->max)
		return 0;
	snprintf(why->text, sizeof(why->text), "\"%.64s\" is not a %s (1 to %u characters)", word,
		 what, (unsigned int)p->max);
	return -EINVAL;
}

/* Also the default route: a prefix of no family yet. */
static int
parse_route(const char *word, int family, struct dpip_value *v, struct parse_err *why)
{
	int rc = parse_prefix(word, family, &v->addr, &v->plen, why);

	if (rc)
		return rc;
	v->has_plen = v->plen == 0 || strchr(word, '/');
	return 0;
}

static int
parse_plain_prefix(const char *word, int family, struct dpip_value *v, struct parse_err *why)
{
	/* parse_prefix() takes "default" and its like, too. */
	if (!strpbrk(word, ".:")) {
		snprintf(why->text, sizeof(why->text), "\"%.64s\" is not an IP prefix", word);
		return -EINVAL;
	}
	return parse_route(word, family, v, why);
}

static int
parse_lifetime(const char *word, const char *what, struct dpip_value *v, struct parse_err *why)
{
	uint32_t seconds;
	int rc = parse_seconds(word, what, &seconds, why);

	if (rc)
		return rc;
	/* On the wire 0 says "never expires", which nobody means who writes it. */
	if (seconds == 0) {
		snprintf(why->text, sizeof(why->text),
			 "\"0\" is not a %s (1 or more seconds, or \"forever\")", what);
		return -EINVAL;
	}
	v->num = seconds;
	return 0;
}

static int
parse_choice(const struct dpip_param *p, const char *word, const char *what, struct dpip_value *v,
	     struct parse_err *why)
{
	const struct dpip_word *w = find_word(p->words, word);
	char buf[160];

	if (!w) {
		snprintf(why->text, sizeof(why->text), "\"%.64s\" is not a %s (%s)", word, what,
			 list_words(p->words, buf, sizeof(buf)));
		return -EINVAL;
	}
	v->num = w->value;
	return 0;
}

/* @family: 0, or the only one that is wanted. */
static int
parse_value(const struct dpip_param *p, const char *word, int family, struct dpip_value *v,
	    struct parse_err *why)
{
	char name[DPVS_IFNAME_SIZE];
	char what[64];
	bool has_port;

	snprintf(what, sizeof(what), "valid \"%s\"", p->name);
	v->text = word;
	v->given = true;
	switch (p->kind) {
	case DPIP_TEXT:
		return parse_text(p, word, what, why);
	case DPIP_DEV:
		return parse_ifname(word, name, why);
	case DPIP_ADDR:
		return parse_addr(word, family, &v->addr, why);
	case DPIP_PREFIX:
		return parse_plain_prefix(word, family, v, why);
	case DPIP_ROUTE:
		return parse_route(word, family, v, why);
	case DPIP_ADDRPORT:
		return parse_addr_port(word, NULL, &v->addr, &v->port, &has_port, why);
	case DPIP_MAC:
		return parse_mac(word, v->mac, why);
	case DPIP_UINT:
		return parse_u64(word, what, p->min, p->max, &v->num, why);
	case DPIP_LIFETIME:
		return parse_lifetime(word, what, v, why);
	case DPIP_CHOICE:
		return parse_choice(p, word, what, v, why);
	}
	return -EINVAL;
}

/* The parameter whose keyword @word is: whole, else, with @prefix, an abbreviation that only one
 * fits. */
static const struct dpip_param *
find_keyword(const struct dpip_param *params, const char *word, bool prefix)
{
	const struct dpip_param *found = NULL;
	size_t len = strlen(word);

	for (const struct dpip_param *p = params; p && p->name; p++) {
		if (p->flags & DPIP_BARE)
			continue;
		if (strcmp(p->name, word) == 0 || (p->alias && strcmp(p->alias, word) == 0))
			return p;
		if (prefix && len && strncmp(p->name, word, len) == 0) {
			if (found)
				return NULL;
			found = p;
		}
	}
	return found;
}

/* The parameter that takes @word without a keyword. */
static const struct dpip_param *
find_bare(const struct dpip_param *params, const char *word, const bool *given)
{
	/* Whole words only: a name may begin like one. */
	for (const struct dpip_param *p = params; p && p->name; p++)
		for (const struct dpip_word *w = p->words; (p->flags & DPIP_BARE) && w->name; w++)
			if (strcmp(w->name, word) == 0)
				return p;
	for (const struct dpip_param *p = params; p && p->name; p++)
		if ((p->flags & DPIP_POSITIONAL) && !given[p - params])
			return p;
	return NULL;
}

const struct dpip_param *
args_find(const struct dpip_param *params, const char *word, const bool *given,
	  bool *ret_is_keyword)
{
	const struct dpip_param *p = find_keyword(params, word, false);

	*ret_is_keyword = true;
	if (p)
		return p;
	*ret_is_keyword = false;
	p = find_bare(params, word, given);
	if (p)
		return p;
	*ret_is_keyword = true;
	return find_keyword(params, word, true);
}

/* How a missing parameter is asked for: by its keyword, else by what stands in help. */
static const char *
missing_name(const struct dpip_param *p, char *buf, size_t size)
{
	if (p->flags & (DPIP_POSITIONAL | DPIP_BARE))
		return args_metavar(p, buf, size);
	snprintf(buf, size, "\"%s\" argument", p->name);
	return buf;
}

int
args_parse(const struct dpip_param *params, char *const *words, int family, struct dpip_value *v,
	   char *err, size_t err_size)
{
	size_t n = args_count(params);
	bool given[DPIP_PARAMS_MAX] = { false };
	struct parse_err why;
	char buf[160];

	memset(v, 0, n * sizeof(*v));
	for (; *words; words++) {
		bool keyword;
		const struct dpip_param *p = args_find(params, *words, given, &keyword);

		if (!p)
			return refuse(err, err_size,
				      "Error: \"%.64s\" is a garbage, nothing more is expected "
				      "here.",
				      *words);
		if (p->flags & DPIP_LATER) {
			refuse(err, err_size, "Error: \"%s\" is not supported by this build.",
			       p->name);
			return -EOPNOTSUPP;
		}
		if (given[p - params])
			return refuse(err, err_size,
				      "Error: either \"%s\" is duplicate, or \"%.64s\" is a "
				      "garbage.",
				      p->name, *words);
		if (keyword && !*++words)
			return refuse(err, err_size, "Error: the value of \"%s\" is missing.",
				      p->name);
		given[p - params] = true;
		if (parse_value(p, *words, family, &v[p - params], &why))
			return refuse_value(err, err_size, &why);
	}
	for (size_t i = 0; i < n; i++)
		if ((params[i].flags & DPIP_REQUIRED) && !v[i].given)
			return refuse(err, err_size, "Not enough information: %s is required.",
				      missing_name(&params[i], buf, sizeof(buf)));
	return 0;
}
