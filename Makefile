# zoetrope: make [all|video|serve|test|check|bench|san|fuzz|faults|install|deb|uninstall|clean|help]
#
# `make` and `make install` only build. `make video`, `make test` and `make check` may also install
# what is missing (scripts/packages.sh names it first).

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

include mk/config.mk
include mk/sources.mk
include mk/compile.mk
include mk/test.mk
include mk/video.mk
include mk/serve.mk
include mk/install.mk
include mk/deb.mk

.PHONY: all clean help

all: $(LIB_A) $(LIB_SO) $(PROGRAM)

clean:
	rm -rf $(BUILD)

help:
	@cat mk/help.txt
