# What this machine has. Everything here may be overridden on the command line.

VERSION := 0.1.0
SOVERSION := 0

BUILD ?= build
comma := ,
PREFIX ?= /usr/local
DESTDIR ?=
bindir ?= $(PREFIX)/bin
libdir ?= $(PREFIX)/lib
includedir ?= $(PREFIX)/include
datadir ?= $(PREFIX)/share
mandir ?= $(datadir)/man
# The model that came with the source, for a program that was never installed.
SOURCE_MODEL ?= $(CURDIR)/model

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
MEDIA_PKGS := libavformat libavcodec libavutil libswscale libswresample
MEDIA ?= $(shell $(PKG_CONFIG) --exists $(MEDIA_PKGS) 2>/dev/null && echo 1 || echo 0)
NET_PKGS := libcurl
NET ?= $(shell $(PKG_CONFIG) --exists $(NET_PKGS) 2>/dev/null && echo 1 || echo 0)
SERVE_PKGS := libmicrohttpd sqlite3
SERVE ?= $(shell $(PKG_CONFIG) --exists $(SERVE_PKGS) 2>/dev/null && echo 1 || echo 0)
PG_PKGS := libpq
PG ?= $(if $(filter 1,$(SERVE)),$(shell $(PKG_CONFIG) --exists $(PG_PKGS) 2>/dev/null && echo 1 || echo 0),0)

# Tests run the CUDA kernels on the host; for that they need a C++ compiler, but not its library.
CUDA_HOST ?= $(if $(shell command -v $(CXX) 2>/dev/null),1,0)

# What nothing works without; `all` names the packages when one is missing.
NEEDED_PKGS := jansson ode
PKGS := $(NEEDED_PKGS) $(if $(filter 1,$(MEDIA)),$(MEDIA_PKGS)) $(if $(filter 1,$(NET)),$(NET_PKGS)) \
	$(if $(filter 1,$(SERVE)),$(SERVE_PKGS)) $(if $(filter 11,$(SERVE)$(PG)),$(PG_PKGS))
HAVE_NEEDED := $(shell command -v $(CC) >/dev/null 2>&1 && \
		$(PKG_CONFIG) --exists $(NEEDED_PKGS) 2>/dev/null && echo 1)

ifeq ($(HAVE_NEEDED),1)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS))
endif

# CUDA's compiler, where it is; CUDA=0 links the stub. The runtime is linked in and opens the driver
# when a GPU is asked for; cuBLASLt and cuDNN are opened then too, so the program runs without all of
# them. Machine code for these capabilities, and PTX of the last for what comes later.
NVCC ?= $(firstword $(shell command -v nvcc 2>/dev/null) \
	$(wildcard /usr/local/cuda/bin/nvcc /usr/local/cuda-*/bin/nvcc))
CUDA_HOME ?= $(patsubst %/bin/nvcc,%,$(realpath $(NVCC)))
CUDART := $(if $(CUDA_HOME),$(firstword $(wildcard $(patsubst %,$(CUDA_HOME)/%/libcudart_static.a,\
	  lib64 lib lib/x86_64-linux-gnu targets/x86_64-linux/lib))))
CUDA ?= $(if $(and $(NVCC),$(CUDART),$(wildcard $(CUDA_HOME)/include/cublasLt.h)),1,0)
CUDA_ARCHS ?= 75 80 86 89 90 100 120

ifeq ($(CUDA),1)
ifeq ($(and $(NVCC),$(CUDART)),)
$(error CUDA=1, but nvcc and libcudart_static.a are not here (NVCC=$(NVCC), CUDA_HOME=$(CUDA_HOME)))
endif
CUDA_KNOWN := $(filter $(CUDA_ARCHS:%=compute_%),$(shell $(NVCC) --list-gpu-arch))
CUDA_CODE := $(foreach a,$(CUDA_KNOWN:compute_%=%),-gencode arch=compute_$a,code=sm_$a) \
	     $(foreach a,$(lastword $(CUDA_KNOWN)),-gencode arch=$a,code=$a)
CUDA_LIBS := $(CUDART)
# Headers alone: what is fused by cuDNN is a matter of the machine that it runs on.
CUDNN ?= $(if $(wildcard $(CUDA_HOME)/include/cudnn_graph.h /usr/include/cudnn_graph.h \
	 /usr/local/include/cudnn_graph.h),1,0)
endif

LDLIBS := $(PKG_LIBS) -lm -lpthread $(if $(CUDA_LIBS),-ldl -lrt)

# A program for machines that have only a C library: jansson and ODE go in, with what ODE needs. libccd
# has no static form in Debian; without one it is laid beside the program, which looks for it there.
static_lib = $(filter /%,$(shell $(CC) -print-file-name=$1 2>/dev/null))
JANSSON_STATIC := $(call static_lib,libjansson.a)
HAVE_STATIC := $(if $(and $(JANSSON_STATIC),$(call static_lib,libode.a)),1,0)
STATIC_LIBS ?= $(if $(filter 10001,$(CUDA)$(MEDIA)$(NET)$(SERVE)$(HAVE_STATIC)),1,0)
ifeq ($(STATIC_LIBS),1)
ifeq ($(HAVE_NEEDED)$(HAVE_STATIC),10)
$(error STATIC_LIBS=1, but libjansson.a and libode.a are not both where $(CC) looks)
endif
CCD_STATIC := $(call static_lib,libccd.a)
CCD_SHARED := $(if $(CCD_STATIC),,$(call static_lib,libccd.so.2))
CCD_BESIDE := $(CCD_SHARED:%=$(BUILD)/libccd.so.2)
PROGRAM_LIBS := $(BUILD)/jansson.o -Wl,-Bstatic -lode $(CCD_STATIC) -lstdc++ -Wl,-Bdynamic $(CCD_BESIDE) \
		$(if $(CCD_BESIDE),-Wl$(comma)-rpath$(comma)\$$ORIGIN) -static-libgcc \
		$(filter-out -ljansson -lode,$(LDLIBS))
PROGRAM_NEEDS := $(BUILD)/jansson.o $(CCD_BESIDE)
else
PROGRAM_LIBS := $(LDLIBS)
endif
