# Files are found, never listed: a new file in a known folder is part of the next build.

ALL_SRC := $(wildcard src/*/*.c src/*/*/*.c)
TOOL_SRC := $(wildcard tool/*.c)
TEST_FOUND := $(wildcard test/*.c test/unit/*.c test/kern/*.c test/grad/*.c test/bench/*.c)
FUZZ_SRC := $(wildcard test/fuzz/*.c)
FAULTS_SRC := $(wildcard test/faults/*.c)
EXAMPLE_SRC := $(wildcard example/*.c)
HEADERS := $(wildcard include/*.h src/*/*.h src/*/*/*.h tool/*.h test/*.h)
CUDA_SRC := $(wildcard src/kern/cuda/*.cu)

# Each optional part: its files when it is there, its stub when it is not.
X86_FILES := $(filter src/kern/x86/% src/world/march/isa_x86.c src/media/between_x86.c %_avx2.c %_avx512.c,$(ALL_SRC))
X86_STUB := $(filter src/kern/x86_none.c src/world/march/isa_none.c src/media/between_x86_none.c,$(ALL_SRC))
MEDIA_STUB := $(filter src/media/ff_none.c,$(ALL_SRC))
MEDIA_FILES := $(filter-out $(MEDIA_STUB),$(filter src/media/ff_%,$(ALL_SRC)))
NET_STUB := $(filter src/net/curl_none.c,$(ALL_SRC))
NET_FILES := $(filter-out $(NET_STUB),$(filter src/net/curl_%,$(ALL_SRC)))
PG_STUB := $(filter src/serve/jobs_pg_none.c,$(ALL_SRC))
PG_FILES := $(filter-out $(PG_STUB),$(filter src/serve/jobs_pg%,$(ALL_SRC)))
SERVE_STUB := $(filter src/serve/serve_none.c,$(ALL_SRC))
SERVE_FILES := $(filter-out $(SERVE_STUB),$(filter src/serve/%,$(ALL_SRC)))

CUDA_STUB := $(filter src/kern/cuda_none.c,$(ALL_SRC))
CUDA_FILES := $(filter src/kern/cuda/%,$(ALL_SRC))
CUDNN_STUB := src/kern/cuda/cudnn_none.c
CUDNN_FILES := $(addprefix src/kern/cuda/,cudnn.c convdnn.c sdpa.c)
CUDNN_LEFT_OUT := $(if $(filter 1,$(CUDA)),$(if $(filter 1,$(CUDNN)),$(CUDNN_STUB),$(CUDNN_FILES)))

CUDNN_TEST := test/kern/test_kern_cudnn.c
SERVE_TESTS := test/serving.c test/postgres.c test/bench/bench_serve.c $(filter test/unit/test_serve%,$(TEST_FOUND))
CUDA_HOST_STUB := test/kern/cuda_set_none.c
CUDA_HOST_FILES := $(CUDA_SRC) $(wildcard test/kern/*.cc)

LEFT_OUT := $(if $(filter 1,$(X86)),$(X86_STUB),$(X86_FILES)) \
	    $(if $(filter 1,$(MEDIA)),$(MEDIA_STUB),$(MEDIA_FILES)) \
	    $(if $(filter 1,$(NET)),$(NET_STUB),$(NET_FILES)) \
	    $(if $(filter 1,$(SERVE)),$(SERVE_STUB),$(SERVE_FILES)) \
	    $(if $(filter 1,$(PG)),$(PG_STUB),$(PG_FILES)) \
	    $(if $(filter 1,$(CUDA)),$(CUDA_STUB),$(CUDA_FILES)) $(CUDNN_LEFT_OUT)
LIB_SRC := $(filter-out $(LEFT_OUT),$(ALL_SRC)) $(if $(filter 1,$(CUDA)),$(CUDA_SRC))
TEST_SRC := $(filter-out $(if $(filter 1,$(CUDA_HOST)),$(CUDA_HOST_STUB)) \
	    $(if $(filter 11,$(CUDA)$(CUDNN)),,$(CUDNN_TEST)) \
	    $(if $(filter 1,$(SERVE)),,$(SERVE_TESTS)),$(TEST_FOUND))

OBJ := $(BUILD)/obj
WEB := $(wildcard web/*)
WEB_OBJ := $(if $(filter 1,$(SERVE)),$(OBJ)/web.o)
LIB_OBJ := $(patsubst %.c,$(OBJ)/%.o,$(patsubst %.cu,$(OBJ)/%.cu.o,$(LIB_SRC))) $(WEB_OBJ)
TOOL_OBJ := $(TOOL_SRC:%.c=$(OBJ)/%.o)
CUDA_HOST_OBJ := $(patsubst src/kern/cuda/%.cu,$(OBJ)/test/kern/cuda/%.o,\
		 $(CUDA_HOST_FILES:%.cc=$(OBJ)/%.o))
CUDA_HOST_ALL := $(OBJ)/test/kern/cuda_host_all.o
TEST_OBJ := $(TEST_SRC:%.c=$(OBJ)/%.o) $(if $(filter 1,$(CUDA_HOST)),$(CUDA_HOST_ALL))

LIB_A := $(BUILD)/libzoetrope.a
LIB_SO := $(BUILD)/libzoetrope.so
PROGRAM := $(BUILD)/zoetrope
FAULTS_OBJ := $(FAULTS_SRC:%.c=$(OBJ)/%.o)

TESTS := $(BUILD)/ztest
FAULTS := $(BUILD)/faults
EXAMPLES := $(EXAMPLE_SRC:example/%.c=$(BUILD)/example/%)
