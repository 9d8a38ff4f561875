dist_man_MANS += doc/man/dpvs.7 doc/man/dpvsd.8 doc/man/dpvsd.conf.5
EXTRA_DIST += doc/coding-style.md doc/modules.md doc/testing.md
