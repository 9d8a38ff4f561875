# ipvsadm: everything but main() in a library of its own, so that tests can link it.
noinst_LTLIBRARIES += utils/libipvsadm.la
utils_libipvsadm_la_SOURCES = utils/ipvsadm/ipvsadm.h utils/ipvsadm/options.h utils/ipvsadm/restore.h \
	utils/ipvsadm/apply.c utils/ipvsadm/cmdline.c utils/ipvsadm/config.c \
	utils/ipvsadm/conns.c utils/ipvsadm/help.c utils/ipvsadm/list.c \
	utils/ipvsadm/options.c utils/ipvsadm/restore.c utils/ipvsadm/rules.c \
	utils/ipvsadm/save.c utils/ipvsadm/service.c
utils_libipvsadm_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_libipvsadm_la_LIBADD = utils/libutils.la $(POPT_LIBS)

sbin_PROGRAMS += utils/ipvsadm/ipvsadm
utils_ipvsadm_ipvsadm_SOURCES = utils/ipvsadm/main.c
utils_ipvsadm_ipvsadm_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_ipvsadm_ipvsadm_LDADD = utils/libipvsadm.la

sbin_SCRIPTS += utils/ipvsadm/ipvsadm-save utils/ipvsadm/ipvsadm-restore
EXTRA_DIST += utils/ipvsadm/ipvsadm-save utils/ipvsadm/ipvsadm-restore

dist_bashcompletion_DATA += utils/completion/ipvsadm
