# What this machine has. Everything here may be overridden on the command line.

VERSION := 0.1.0
SOVERSION := 0

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
bindir ?= $(PREFIX)/bin
libdir ?= $(PREFIX)/lib
includedir ?= $(PREFIX)/include
datadir ?= $(PREFIX)/share
mandir ?= $(datadir)/man

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
PACKAGES ?= yes

# san and fuzz build into folders of their own with SANITIZE=LIST.
SANITIZE ?=

# Optional parts: 1 compiles the real files, 0 the stub that answers "not in this build".
# A part is a pkg-config list here and a pair of file patterns in sources.mk.
X86 ?= $(if $(filter x86_64% amd64%,$(shell $(CC) -dumpmachine 2>/dev/null || uname -m)),1,0)
MEDIA_PKGS := libavformat libavcodec libavutil libswscale
MEDIA ?= $(shell $(PKG_CONFIG) --exists $(MEDIA_PKGS) 2>/dev/null && echo 1 || echo 0)

# Tests run the CUDA kernels on the host; for that they need a C++ compiler, but not its library.
CUDA_HOST ?= $(if $(shell command -v $(CXX) 2>/dev/null),1,0)

# What nothing works without; `all` names the packages when one is missing.
NEEDED_PKGS := jansson ode
PKGS := $(NEEDED_PKGS) $(if $(filter 1,$(MEDIA)),$(MEDIA_PKGS))
HAVE_NEEDED := $(shell command -v $(CC) >/dev/null 2>&1 && \
		$(PKG_CONFIG) --exists $(NEEDED_PKGS) 2>/dev/null && echo 1)

ifeq ($(HAVE_NEEDED),1)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS))
endif

LDLIBS := $(PKG_LIBS) -lm -lpthread
