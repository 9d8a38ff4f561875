/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that ipvsadm -R reads: an error line for each wrong input, records of their right size for the others.
 */
#include <dpvsctrl/proto/service.h>

#include "common/error.h"
#include "fuzz.h"
#include "ipvsadm/restore.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	error_set_program("ipvsadm");
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int before = error_count();
	struct rules rules = { 0 };
	FILE *file;
	int rc;

	if (size == 0)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	FUZZ_CHECK(file != NULL);
	rc = rules_read(file, &rules);
	fclose(file);
	FUZZ_CHECK(rc >= 0 && (rc != 0) == (error_count() > before));
	for (uint32_t i = 0; i < rules.count; i++) {
		FUZZ_CHECK(rules.items[i].number > 0);
		FUZZ_CHECK(rules.items[i].change.record_size <= sizeof(rules.items[i].change.record));
		fuzz_touch(&rules.items[i].change.record, rules.items[i].change.record_size);
		FUZZ_CHECK(command_name(rules.items[i].command) != NULL);
	}
	free(rules.items);
	return 0;
}
