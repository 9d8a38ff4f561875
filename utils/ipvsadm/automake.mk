sbin_PROGRAMS += utils/ipvsadm/ipvsadm
utils_ipvsadm_ipvsadm_SOURCES = utils/ipvsadm/main.c
utils_ipvsadm_ipvsadm_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_ipvsadm_ipvsadm_LDADD = utils/libutils.la $(POPT_LIBS)
