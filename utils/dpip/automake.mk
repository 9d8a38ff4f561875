sbin_PROGRAMS += utils/dpip/dpip
utils_dpip_dpip_SOURCES = utils/dpip/main.c
utils_dpip_dpip_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_dpip_dpip_LDADD = utils/libutils.la
