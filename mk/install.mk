# Program, library, header, pkg-config file, man page, completions, Python and the default model.

INSTALL ?= install
MODEL_FILES := $(shell test -d model && find model -type f)
PYTHON_FILES := python/zoetrope.py $(wildcard python/comfyui_zoetrope/*.py)
# Where the shells look for completions of installed programs.
bashdir ?= $(datadir)/bash-completion/completions
zshdir ?= $(datadir)/zsh/site-functions
fishdir ?= $(datadir)/fish/vendor_completions.d

.PHONY: install uninstall
install: all
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir) \
		$(DESTDIR)$(mandir)/man1 $(DESTDIR)$(datadir)/zoetrope
	$(INSTALL) -m 755 $(PROGRAM) $(DESTDIR)$(bindir)/zoetrope
	$(INSTALL) -m 644 $(LIB_A) $(DESTDIR)$(libdir)/libzoetrope.a
	$(INSTALL) -m 755 $(LIB_SO).$(VERSION) $(DESTDIR)$(libdir)/libzoetrope.so.$(VERSION)
	ln -sf libzoetrope.so.$(VERSION) $(DESTDIR)$(libdir)/libzoetrope.so.$(SOVERSION)
	ln -sf libzoetrope.so.$(VERSION) $(DESTDIR)$(libdir)/libzoetrope.so
	$(INSTALL) -m 644 include/zoetrope.h $(DESTDIR)$(includedir)/zoetrope.h
	$(INSTALL) -m 644 doc/zoetrope.1 $(DESTDIR)$(mandir)/man1/zoetrope.1
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(libdir)|' -e 's|@INCLUDEDIR@|$(includedir)|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LDLIBS)|' zoetrope.pc.in \
		> $(DESTDIR)$(libdir)/pkgconfig/zoetrope.pc
	$(INSTALL) -d $(DESTDIR)$(bashdir) $(DESTDIR)$(zshdir) $(DESTDIR)$(fishdir)
	$(PROGRAM) completion bash > $(DESTDIR)$(bashdir)/zoetrope
	$(PROGRAM) completion zsh > $(DESTDIR)$(zshdir)/_zoetrope
	$(PROGRAM) completion fish > $(DESTDIR)$(fishdir)/zoetrope.fish
	set -e; for f in $(MODEL_FILES) $(PYTHON_FILES); do \
		$(INSTALL) -D -m 644 $$f $(DESTDIR)$(datadir)/zoetrope/$$f; done

uninstall:
	rm -f $(DESTDIR)$(bindir)/zoetrope $(DESTDIR)$(libdir)/libzoetrope.a \
		$(DESTDIR)$(libdir)/libzoetrope.so $(DESTDIR)$(libdir)/libzoetrope.so.$(SOVERSION) \
		$(DESTDIR)$(libdir)/libzoetrope.so.$(VERSION) $(DESTDIR)$(includedir)/zoetrope.h \
		$(DESTDIR)$(libdir)/pkgconfig/zoetrope.pc $(DESTDIR)$(mandir)/man1/zoetrope.1 \
		$(DESTDIR)$(bashdir)/zoetrope $(DESTDIR)$(zshdir)/_zoetrope \
		$(DESTDIR)$(fishdir)/zoetrope.fish
	rm -rf $(DESTDIR)$(datadir)/zoetrope
