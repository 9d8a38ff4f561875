# SPDX-License-Identifier: GPL-2.0-or-later
# Warnings and hardening, each flag probed; one list.

# DPVS_PROBE_FLAG(VARIABLE, FLAG): appends FLAG to VARIABLE when the compiler takes it.
AC_DEFUN([DPVS_PROBE_FLAG], [
	AS_VAR_PUSHDEF([cachevar], [dpvs_cv_flag_$2])
	AC_CACHE_CHECK([whether $CC accepts $2], [cachevar], [
		dpvs_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([])],
			[AS_VAR_SET([cachevar], [yes])], [AS_VAR_SET([cachevar], [no])])
		CFLAGS=$dpvs_save_CFLAGS
	])
	AS_VAR_IF([cachevar], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([cachevar])
])

AC_DEFUN([DPVS_COMPILER_FLAGS], [
	DPVS_CFLAGS="-std=gnu11"
	m4_foreach_w([flag], [-Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow
		-Wpointer-arith -Wformat=2 -Wundef -Wvla -Wno-unused-parameter
		-Wno-missing-field-initializers -Werror=implicit-function-declaration
		-fno-common -fno-strict-aliasing -fstack-protector-strong],
		[DPVS_PROBE_FLAG([DPVS_CFLAGS], flag)])
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [make warnings errors, as our own CI does])],
		[], [enable_werror=no])
	AS_IF([test "x$enable_werror" = xyes], [DPVS_CFLAGS="$DPVS_CFLAGS -Werror"])
	AC_SUBST([DPVS_CFLAGS])
])

# --with-sanitizer=address,undefined  or  thread
AC_DEFUN([DPVS_SANITIZERS], [
	AC_ARG_WITH([sanitizer],
		[AS_HELP_STRING([--with-sanitizer=LIST], [build with sanitizers: address,undefined or thread])],
		[], [with_sanitizer=no])
	AS_IF([test "x$with_sanitizer" != xno], [
		DPVS_SANITIZER_FLAGS="-fsanitize=$with_sanitizer -fno-omit-frame-pointer"
		AS_CASE([$with_sanitizer], [*undefined*],
			[DPVS_SANITIZER_FLAGS="$DPVS_SANITIZER_FLAGS -fno-sanitize=alignment"])
		AS_CASE([$with_sanitizer], [*thread*],
			[DPVS_SANITIZER_FLAGS="$DPVS_SANITIZER_FLAGS -DRTE_USE_C11_MEM_MODEL"])
		CFLAGS="$CFLAGS $DPVS_SANITIZER_FLAGS"
		LDFLAGS="$LDFLAGS $DPVS_SANITIZER_FLAGS"
	])
])

# --with-fuzzer: tests/fuzz with libFuzzer and sanitizers; needs clang.
AC_DEFUN([DPVS_FUZZER], [
	AC_ARG_WITH([fuzzer],
		[AS_HELP_STRING([--with-fuzzer], [build tests/fuzz with libFuzzer and sanitizers, for make fuzz (clang)])],
		[], [with_fuzzer=no])
	AS_IF([test "x$with_fuzzer" != xno], [
		DPVS_FUZZER_FLAGS="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=alignment"
		DPVS_FUZZER_FLAGS="$DPVS_FUZZER_FLAGS -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
		CFLAGS="$CFLAGS $DPVS_FUZZER_FLAGS"
		LDFLAGS="$LDFLAGS $DPVS_FUZZER_FLAGS"
		AC_CACHE_CHECK([whether $CC has libFuzzer], [dpvs_cv_libfuzzer], [
			dpvs_save_LDFLAGS=$LDFLAGS
			LDFLAGS="$LDFLAGS -fsanitize=fuzzer"
			AC_LINK_IFELSE([AC_LANG_SOURCE([
				#include <stddef.h>
				int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
				int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
				{
					return 0;
				}])], [dpvs_cv_libfuzzer=yes], [dpvs_cv_libfuzzer=no])
			LDFLAGS=$dpvs_save_LDFLAGS
		])
		AS_IF([test "x$dpvs_cv_libfuzzer" = xno],
			[AC_MSG_ERROR([--with-fuzzer needs a compiler with libFuzzer; try CC=clang])])
	])
	AM_CONDITIONAL([WITH_FUZZER], [test "x$with_fuzzer" != xno])
])

# --enable-fault-injection: FAULT_POINT() can fail, for tests by hand. make check builds what it needs anyway.
AC_DEFUN([DPVS_FAULT_INJECTION], [
	AC_ARG_ENABLE([fault-injection],
		[AS_HELP_STRING([--enable-fault-injection], [a daemon whose allocations, pools and rings fail when
			DPVS_FAULT_RATE says so: never for use])],
		[], [enable_fault_injection=no])
	AM_CONDITIONAL([FAULT_INJECTION], [test "x$enable_fault_injection" = xyes])
])
