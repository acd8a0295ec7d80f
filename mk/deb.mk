# make deb: a package of what `make install` installs, the service beside it, for this architecture and
# the libraries of this system. Built in a folder of its own, with paths of the package and of no other.

DEB_BUILD := $(if $(filter file,$(origin BUILD)),build/deb,$(BUILD))
DEB_CFLAGS := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$(CURDIR)=.
DEB_LDFLAGS := -Wl,-z,relro,-z,now

.PHONY: deb deb-tree deb-test
deb:
	@scripts/packages.sh --packages=$(PACKAGES) serve
	@$(MAKE) --no-print-directory deb-tree BUILD=$(DEB_BUILD) PREFIX=/usr CUDA=0 \
		SOURCE_MODEL=/usr/share/zoetrope/model CFLAGS='$(DEB_CFLAGS)' LDFLAGS='$(DEB_LDFLAGS)' \
		DESTDIR='$(abspath $(DEB_BUILD))/root' libdir=/usr/lib/$$(dpkg-architecture -qDEB_HOST_MULTIARCH)

deb-tree:
	@rm -rf '$(DESTDIR)'
	@$(MAKE) --no-print-directory install >/dev/null
	@BUILD='$(BUILD)' ROOT='$(DESTDIR)' VERSION='$(VERSION)' LIBDIR='$(libdir)' SOVERSION=$(SOVERSION) \
		scripts/deb.sh

# The package in a fresh Debian, as root.
deb-test: deb
	@DEB_TEST=1 DEB_BUILD='$(DEB_BUILD)' bash test/e2e/deb.sh
