# make video PROMPT="...": from a fresh machine to a film.
#
# The words of a prompt are data. make would expand `$` in them and a shell would read quotes, so they
# are taken as they were written and travel in the environment; no recipe ever names their value.

OUT ?=
ZOETROPE ?= $(PROGRAM)
override PROMPT := $(value PROMPT)
override OUT := $(value OUT)

# A second make would read the words of its parent's command line as text to be parsed. Without this
# list it sees them as environment variables, and takes BUILD, CC and the rest from there.
ifneq ($(filter video,$(MAKECMDGOALS)),)
MAKEOVERRIDES :=
endif

.PHONY: video video-program
video: export PROMPT := $(PROMPT)
video: export OUT := $(OUT)
video:
	@scripts/packages.sh --packages=$(PACKAGES) media
	@$(MAKE) --no-print-directory video-program
	@BUILD='$(BUILD)' ZOETROPE='$(ZOETROPE)' scripts/video.sh

video-program: $(filter $(PROGRAM),$(ZOETROPE))
