# One set of objects for program, both libraries and tests. -fPIC without interposition costs
# nothing on x86-64; -ffp-contract=off keeps results equal between compilers and machines.
# -Wno-psabi: wide vectors are passed within the library only.

ZT_CFLAGS := -std=c11 -D_GNU_SOURCE $(CFLAGS) -Wall -Wextra -Werror=implicit-function-declaration \
	     -Wno-psabi -ffp-contract=off -fno-math-errno -fPIC -fno-semantic-interposition -pthread
ZT_CPPFLAGS := -Isrc -Iinclude $(PKG_CFLAGS) $(CPPFLAGS)
ZT_LDFLAGS := -pthread $(LDFLAGS)
ifneq ($(SANITIZE),)
ZT_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
ZT_LDFLAGS += -fsanitize=$(subst fuzzer-no-link,fuzzer,$(SANITIZE))
endif

# CUDA kernels for the host, and the fibers under them: no C++ library, so $(CC) can link them.
HOST_CXXFLAGS := -std=c++17 -D_GNU_SOURCE $(CFLAGS) -Wall -Wextra -ffp-contract=off -fno-exceptions \
		 -fno-rtti -fno-threadsafe-statics -pthread -DZT_CUDA_HOST -Itest/kern \
		 $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)

# -fmad stays on (nvcc's choice): products of matrices fuse as well, agreement with the CPU is a matter
# of tolerance, and two runs on a GPU agree to the bit either way. No C++ library is needed.
NVCC_FLAGS := -std=c++17 -O3 $(CUDA_CODE) -ccbin $(CXX) -Xcompiler \
	      -fPIC,-Wall,-Wextra,-fno-exceptions,-fno-rtti,-fno-threadsafe-statics
cuda_flags = $(if $(filter src/kern/cuda/% $(CUDNN_TEST),$1),-isystem $(CUDA_HOME)/include)

# Kernels, and what looks at every weight: the optimiser's best, and the instructions that the end of the file name promises.
# Sanitizer builds keep the level of CFLAGS, or they would take minutes.
FLAGS_AVX2 := -mavx2 -mfma -mf16c
FLAGS_AVX512 := $(FLAGS_AVX2) -mavx512f -mavx512bw -mavx512dq -mavx512vl
FLAGS_AVX512BF16 := $(FLAGS_AVX512) -mavx512bf16
FLAGS_AMX := $(FLAGS_AVX512BF16) -mamx-tile -mamx-bf16 -mamx-int8
FLAGS_AVX512VNNI := $(FLAGS_AVX512) -mavx512vnni
isa_flags = $(if $(filter %_avx2.c %_avx2.h,$1),$(FLAGS_AVX2))\
	    $(if $(filter %_avx512.c %_avx512.h,$1),$(FLAGS_AVX512))\
	    $(if $(filter %_avx512bf16.c %_avx512bf16.h,$1),$(FLAGS_AVX512BF16))\
	    $(if $(filter %_amx.c,$1),$(FLAGS_AMX))\
	    $(if $(filter %_avx512vnni.c %_avx512vnni.h,$1),$(FLAGS_AVX512VNNI))
fast_flags = $(if $(SANITIZE),,$(if $(filter src/kern/% src/base/dtype.c src/model/store_bad.c src/world/march/% src/media/between% src/media/detail.c src/media/sharpen.c src/media/resize.c src/media/yuv.c,$1),-O3))
# The library alone knows its version, where its models are installed and which one came with the
# source; tests know their folder.
place_flags = $(if $(filter src/api/%,$1),-DZT_VERSION_TEXT='"$(VERSION)"' \
	      -DZT_DATADIR='"$(datadir)/zoetrope"' -DZT_SOURCE_MODEL='"$(SOURCE_MODEL)"')\
	      $(if $(filter test/%,$1),-Itest -DZTEST_DIR='"$(CURDIR)/test"')

# flags.txt changes when an option or the set of files does, and takes all objects with it.
BUILD_ID = $(CC) $(ZT_CFLAGS) $(ZT_CPPFLAGS) $(ZT_LDFLAGS) $(LDLIBS) X86=$(X86) MEDIA=$(MEDIA) \
	   NET=$(NET) SERVE=$(SERVE) PG=$(PG) \
	   $(CXX) $(HOST_CXXFLAGS) CUDA_HOST=$(CUDA_HOST) CUDA=$(CUDA) $(if $(CUDA_LIBS),$(NVCC) \
	   $(NVCC_FLAGS) $(CUDA_LIBS)) $(PROGRAM_LIBS)
$(BUILD)/flags.txt: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(BUILD_ID)' | cmp -s - $@ || printf '%s\n' '$(BUILD_ID)' > $@

# The list of objects: links are done again when a file came or went.
$(BUILD)/files.txt: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(LIB_SRC) $(TOOL_SRC) $(TEST_SRC) $(CUDA_HOST_FILES) $(WEB)' | cmp -s - $@ || \
		printf '%s\n' '$(LIB_SRC) $(TOOL_SRC) $(TEST_SRC) $(CUDA_HOST_FILES) $(WEB)' > $@

.PHONY: FORCE needed
FORCE:

ifeq ($(HAVE_NEEDED),1)
needed:
else
needed:
	@scripts/packages.sh --missing build
	@echo "zoetrope needs a C compiler ($(CC)) and, by $(PKG_CONFIG), $(NEEDED_PKGS)" >&2; exit 2
endif

$(OBJ)/%.o: %.c $(BUILD)/flags.txt | needed
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(ZT_CFLAGS) $(call fast_flags,$<) $(call isa_flags,$<) $(ZT_CPPFLAGS) \
		$(call place_flags,$<) $(call cuda_flags,$<) -MMD -MP -c -o $@ $<

$(OBJ)/%.cu.o: %.cu $(BUILD)/flags.txt | needed
	@mkdir -p $(@D)
	@echo "  NVCC  $<"
	@$(NVCC) $(NVCC_FLAGS) $(ZT_CPPFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/test/kern/cuda/%.o: src/kern/cuda/%.cu $(BUILD)/flags.txt | needed
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@$(CXX) $(HOST_CXXFLAGS) $(ZT_CPPFLAGS) -MMD -MP -c -o $@ -x c++ $<

$(OBJ)/test/kern/%.o: test/kern/%.cc $(BUILD)/flags.txt | needed
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@$(CXX) $(HOST_CXXFLAGS) $(ZT_CPPFLAGS) -MMD -MP -c -o $@ $<

# The page's files, each between two names (src/serve/api_page.c).
$(OBJ)/web.o: $(WEB) $(BUILD)/flags.txt $(BUILD)/files.txt | needed
	@mkdir -p $(@D)
	@echo "  WEB   $@"
	@cd web && $(CC) -r -nostdlib -Wl,-b,binary -o $(abspath $@) $(WEB:web/%=%)
	@$(OBJCOPY) --rename-section .data=.rodata,alloc,load,readonly,data,contents \
		--add-section .note.GNU-stack=/dev/null \
		--set-section-flags .note.GNU-stack=contents,readonly $@

# One object with the names of cuda_set.h alone to the outside, so that a library with the same
# kernels for a GPU can be linked beside it.
$(CUDA_HOST_ALL): $(CUDA_HOST_OBJ) $(BUILD)/files.txt
	@echo "  LD    $@"
	@$(CXX) -r -nostdlib -Wl,--force-group-allocation -o $@ $(CUDA_HOST_OBJ)
	@$(OBJCOPY) --keep-global-symbol=kernels_cuda_host --keep-global-symbol=cuda_host_reverse \
		--keep-global-symbol=cuda_host_try $@

# Nothing but zt_ leaves either library: a host program may have its own `linear` and `add`. CUDA's
# runtime goes into the archive too: who links it needs nothing of CUDA.
$(LIB_A): $(LIB_OBJ) $(BUILD)/files.txt
	@echo "  AR    $@"
	@$(CC) -r -nostdlib -o $(BUILD)/zoetrope.o $(LIB_OBJ) $(CUDA_LIBS)
	@$(OBJCOPY) --wildcard --keep-global-symbol='zt_*' $(BUILD)/zoetrope.o
	@rm -f $@
	@$(AR) rcs $@ $(BUILD)/zoetrope.o

$(LIB_SO).$(VERSION): $(LIB_OBJ) $(BUILD)/files.txt mk/zoetrope.map
	@echo "  LD    $@"
	@$(CC) -shared $(ZT_CFLAGS) $(ZT_LDFLAGS) -Wl,-soname,libzoetrope.so.$(SOVERSION) \
		-Wl,--version-script=mk/zoetrope.map -Wl,-z,defs -o $@ $(LIB_OBJ) $(CUDA_LIBS) \
		$(LDLIBS)

$(LIB_SO): $(LIB_SO).$(VERSION)
	@ln -sf $(<F) $@.$(SOVERSION)
	@ln -sf $(<F) $@

$(PROGRAM): $(LIB_OBJ) $(TOOL_OBJ) $(PROGRAM_NEEDS) $(BUILD)/files.txt
	@echo "  LD    $@"
	@$(CC) $(ZT_CFLAGS) $(ZT_LDFLAGS) -o $@ $(TOOL_OBJ) $(LIB_OBJ) $(CUDA_LIBS) $(PROGRAM_LIBS)

# Both have a utf8_encode; only jansson's public names stay.
$(BUILD)/jansson.o: $(JANSSON_STATIC) | needed
	@$(CC) -r -nostdlib -o $@ -Wl,--whole-archive $<
	@$(OBJCOPY) --wildcard --keep-global-symbol='json_*' $@

$(BUILD)/libccd.so.2: $(CCD_SHARED) | needed
	@cp -L $< $@

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(FAULTS_OBJ:.o=.d) $(CUDA_HOST_OBJ:.o=.d)
