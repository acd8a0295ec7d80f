# Tests, sanitizers, fuzzing, benchmarks, checks.

.PHONY: test tests page-test check checks bench gpu san tsan fuzz fuzzers faults soak ztest examples

# The test program has a table of networks of its own, with two more in it.
TEST_LIB_OBJ := $(filter-out $(OBJ)/src/model/part_table.o,$(LIB_OBJ))

$(TESTS): $(TEST_LIB_OBJ) $(TEST_OBJ) $(PROGRAM_NEEDS) $(BUILD)/files.txt
	@echo "  LD    $@"
	@$(CC) $(ZT_CFLAGS) $(ZT_LDFLAGS) -o $@ $(TEST_OBJ) $(TEST_LIB_OBJ) $(CUDA_LIBS) $(PROGRAM_LIBS)

# Examples see what a user of the installed library sees: the header and the archive.
$(BUILD)/example/%: example/%.c $(LIB_A) $(wildcard include/*.h)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) -std=c11 $(CFLAGS) -Wall -Wextra -Iinclude -o $@ $< $(LIB_A) $(ZT_LDFLAGS) $(LDLIBS)

ztest: $(TESTS)
examples: $(EXAMPLES)

# The whole program, its main() under another name, behind an allocator that fails when it is told to.
$(FAULTS): $(FAULTS_OBJ) $(LIB_OBJ) $(TOOL_OBJ) $(PROGRAM_NEEDS) $(BUILD)/files.txt
	@echo "  LD    $@"
	@$(OBJCOPY) --redefine-sym main=zoetrope_main $(OBJ)/tool/main.o $(OBJ)/test/faults/main.o
	@$(CC) $(ZT_CFLAGS) $(ZT_LDFLAGS) -o $@ $(FAULTS_OBJ) $(OBJ)/test/faults/main.o \
		$(filter-out %/main.o,$(TOOL_OBJ)) $(LIB_OBJ) $(CUDA_LIBS) $(PROGRAM_LIBS) -ldl

faults: all ztest $(FAULTS)
	@BUILD='$(BUILD)' FAULTS=all nice -n 10 bash test/e2e/faults.sh

# Servers killed so often (make test does it a hundred times, .ci/run a thousand); what they had accepted must all be there. Films
# killed a fifth as often must end with the bits of one that was not.
ROUNDS ?= 10000
soak: all ztest
	@BUILD='$(BUILD)' ZT_KILL_ROUNDS=$$(($(ROUNDS) / 5)) nice -n 10 bash test/e2e/resume.sh
	@BUILD='$(BUILD)' STORE_ROUNDS=$$(($(ROUNDS) / 5)) nice -n 10 bash test/e2e/store.sh
	@ZT_KILL_ROUNDS=$(ROUNDS) nice -n 10 $(TESTS) serve_promises_2_4_5

# The packages may bring FFmpeg, so what is there is looked at again by a second make.
test:
	@scripts/packages.sh --packages=$(PACKAGES) test
	@$(MAKE) --no-print-directory all ztest examples $(FAULTS)
	@BUILD='$(BUILD)' scripts/run_tests.sh

# The page in a browser, which is large: make test leaves it out.
page-test:
	@scripts/packages.sh --packages=$(PACKAGES) page
	@$(MAKE) --no-print-directory all ztest
	@BUILD='$(BUILD)' PAGE_TEST=1 bash test/e2e/page.sh

check:
	@scripts/packages.sh --packages=$(PACKAGES) check
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory checks

checks:
	@BUILD='$(BUILD)' CHECK_CPPFLAGS='$(ZT_CPPFLAGS)' X86=$(X86) \
		CHECK_CUDNN='$(if $(filter 11,$(CUDA)$(CUDNN)),-isystem $(CUDA_HOME)/include)' scripts/check.sh

# What test/gpu.sh runs, for a machine that has an NVIDIA GPU and little else.
GPU_BUILD := $(if $(filter file,$(origin BUILD)),build/gpu,$(BUILD))
gpu:
	@$(MAKE) --no-print-directory BUILD=$(GPU_BUILD) CUDA=1 MEDIA=0 NET=0 SERVE=0 CFLAGS='-O2' all ztest

bench: all ztest
	$(TESTS) --bench
	$(PROGRAM) bench

san:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/san SANITIZE=address,undefined CFLAGS='-O1 -g' CUDA=0 ztest
	@ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 $(BUILD)/san/ztest

# Tests of what several threads share. Those of promises fork servers, which ThreadSanitizer must be told to allow.
TSAN_TESTS ?= threads device_serves device_cpu_serves api_ cache hash serve_ projector
tsan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SANITIZE=thread CFLAGS='-O1 -g' CUDA=0 ztest
	@TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:die_after_fork=0 $(BUILD)/tsan/ztest $(TSAN_TESTS)

FUZZ_SECONDS ?= 60
FUZZERS := $(FUZZ_SRC:test/fuzz/%.c=$(BUILD)/%)

# libFuzzer brings main(); the library goes in as an archive, so each target takes what it calls.
$(BUILD)/libfuzzed.a: $(LIB_OBJ) $(BUILD)/files.txt
	@rm -f $@
	@$(AR) rcs $@ $(LIB_OBJ)

$(FUZZERS): $(BUILD)/%: $(OBJ)/test/fuzz/%.o $(BUILD)/libfuzzed.a
	@echo "  LD    $@"
	@$(CC) $(ZT_CFLAGS) $(ZT_LDFLAGS) -o $@ $^ $(CUDA_LIBS) $(LDLIBS)

fuzzers: $(FUZZERS)

fuzz:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang CFLAGS='-O1 -g' \
		SANITIZE=fuzzer-no-link,address,undefined CUDA=0 fuzzers
	@BUILD='$(BUILD)/fuzz' scripts/fuzz.sh $(FUZZ_SECONDS)
