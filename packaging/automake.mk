# What a package adds to the programs: unit, init script, user, runtime folder, configuration. They exist
# once and "make install" puts them in place; debian/ and rpm/ only list them.
EXTRA_DIST += packaging/dpvsd.conf packaging/dpvsd.default packaging/dpvsd.init.in packaging/dpvsd.service.in \
	packaging/sysusers.conf packaging/tmpfiles.conf \
	debian/changelog debian/control debian/copyright debian/rules debian/source/format \
	debian/dpip.install debian/dpvs-ipvsadm.install debian/dpvsd.install debian/dpvsd.docs debian/dpvsd.postrm \
	debian/libdpvsctrl-dev.docs debian/libdpvsctrl-dev.examples debian/libdpvsctrl-dev.install \
	debian/libdpvsctrl0.install debian/libdpvsctrl0.symbols \
	debian/not-installed debian/watch rpm/dpvs.spec.in rpm/dpvs.spec rpm/macros.debian-test

if WITH_SYSTEMD_UNITS
systemdsystemunit_DATA = packaging/dpvsd.service
endif
CLEANFILES += packaging/dpvsd.service packaging/dpvsd.init

packaging_edit = $(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|@defaultsdir[@]|$(defaultsdir)|g'

packaging/dpvsd.service: packaging/dpvsd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) packaging && $(packaging_edit) $(srcdir)/packaging/dpvsd.service.in >$@
packaging/dpvsd.init: packaging/dpvsd.init.in Makefile
	$(AM_V_GEN)$(MKDIR_P) packaging && $(packaging_edit) $(srcdir)/packaging/dpvsd.init.in >$@
all-local: packaging/dpvsd.init

# Installed under another name, or only where nothing is: an operator's file is not written over.
install-data-local: packaging/dpvsd.init
	$(MKDIR_P) $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir) $(DESTDIR)$(initddir) \
		$(DESTDIR)$(defaultsdir) $(DESTDIR)$(sysconfdir)/dpvs
	$(INSTALL_DATA) $(srcdir)/packaging/sysusers.conf $(DESTDIR)$(sysusersdir)/dpvs.conf
	$(INSTALL_DATA) $(srcdir)/packaging/tmpfiles.conf $(DESTDIR)$(tmpfilesdir)/dpvs.conf
	$(INSTALL_SCRIPT) packaging/dpvsd.init $(DESTDIR)$(initddir)/dpvsd
	test -e $(DESTDIR)$(defaultsdir)/dpvsd || \
		$(INSTALL_DATA) $(srcdir)/packaging/dpvsd.default $(DESTDIR)$(defaultsdir)/dpvsd
	test -e $(DESTDIR)$(sysconfdir)/dpvs/dpvsd.conf || \
		$(INSTALL_DATA) $(srcdir)/packaging/dpvsd.conf $(DESTDIR)$(sysconfdir)/dpvs/dpvsd.conf

uninstall-local:
	rm -f $(DESTDIR)$(sysusersdir)/dpvs.conf $(DESTDIR)$(tmpfilesdir)/dpvs.conf $(DESTDIR)$(initddir)/dpvsd
	if cmp -s $(srcdir)/packaging/dpvsd.default $(DESTDIR)$(defaultsdir)/dpvsd; then \
		rm -f $(DESTDIR)$(defaultsdir)/dpvsd; fi
	if cmp -s $(srcdir)/packaging/dpvsd.conf $(DESTDIR)$(sysconfdir)/dpvs/dpvsd.conf; then \
		rm -f $(DESTDIR)$(sysconfdir)/dpvs/dpvsd.conf; fi
