sbin_PROGRAMS += utils/ipvsadm/ipvsadm
utils_ipvsadm_ipvsadm_SOURCES = utils/ipvsadm/ipvsadm.h utils/ipvsadm/apply.c utils/ipvsadm/config.c \
	utils/ipvsadm/conns.c utils/ipvsadm/diff.c utils/ipvsadm/help.c utils/ipvsadm/list.c \
	utils/ipvsadm/main.c utils/ipvsadm/options.c utils/ipvsadm/restore.c utils/ipvsadm/rules.c \
	utils/ipvsadm/save.c utils/ipvsadm/service.c
utils_ipvsadm_ipvsadm_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_ipvsadm_ipvsadm_LDADD = utils/libutils.la $(POPT_LIBS)
