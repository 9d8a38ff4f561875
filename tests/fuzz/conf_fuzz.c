/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of the configuration file with the tables of all modules: a text is right, or there is a line
 * that says what is wrong and what to do. Lists of CPUs too.
 */
#include <errno.h>
#include <stdbool.h>

#include <glib.h>

#include "core/conf.h"
#include "core/cpulist.h"
#include "fuzz.h"
#include "module.h"
#include "modules.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

static void
report(const char *line, void *arg)
{
	unsigned int *errors = arg;

	FUZZ_CHECK(g_str_has_prefix(line, "fuzz:"));
	FUZZ_CHECK(strchr(line, '\n') == NULL);
	FUZZ_CHECK(g_utf8_validate(line, -1, NULL));
	(*errors)++;
}

/* Each key can be read and has a value that its table allows. */
static void
read_keys(const struct conf *conf, const char *section, const struct conf_key *key)
{
	const char *text;
	unsigned int word;
	uint64_t value;

	for (; key != NULL && key->name != NULL; key++) {
		bool set = conf_is_set(conf, section, key->name);

		switch (key->type) {
		case CONF_UINT:
			value = conf_uint(conf, section, key->name);
			FUZZ_CHECK(!set || (value >= key->min && value <= key->max));
			break;
		case CONF_BOOL:
			(void)conf_bool(conf, section, key->name);
			break;
		case CONF_CHOICE:
			word = conf_choice(conf, section, key->name);
			for (unsigned int i = 0; set && i <= word; i++)
				FUZZ_CHECK(key->choices[i] != NULL);
			break;
		case CONF_STRING:
			text = conf_string(conf, section, key->name);
			FUZZ_CHECK(!set || (text != NULL && strlen(text) <= key->max && strlen(text) >= key->min));
			break;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct module *const *m;
	char *text = fuzz_text(data, size);
	unsigned int cpus[CPULIST_MAX], errors = 0;
	struct conf *conf = NULL;
	const char *section;
	int rc;

	rc = conf_parse(text, "fuzz", modules_all(), report, &errors, &conf);
	FUZZ_CHECK(rc == 0 || rc == -EINVAL);
	FUZZ_CHECK((rc == 0) == (errors == 0));
	if (rc == 0) {
		for (m = modules_all(); *m != NULL; m++) {
			read_keys(conf, (*m)->name, (*m)->conf);
			for (unsigned int i = 0; (*m)->instance != NULL &&
						 (section = conf_instance(conf, (*m)->instance, i)) != NULL; i++) {
				FUZZ_CHECK(conf_instance_name(section)[0] != '\0');
				read_keys(conf, section, (*m)->instance_conf);
			}
		}
		conf_free(conf);
	}
	rc = cpulist_parse(text, cpus);
	FUZZ_CHECK(rc == -EINVAL || (rc > 0 && rc <= CPULIST_MAX));
	for (int i = 0; i < rc; i++)
		FUZZ_CHECK(cpus[i] < CPULIST_MAX);
	free(text);
	return 0;
}
