# make serve: the service on this machine, for a first look. LISTEN and DATA may be given.

LISTEN ?= 127.0.0.1:8700
DATA ?=

.PHONY: serve
serve:
	@scripts/packages.sh --packages=$(PACKAGES) serve
	@$(MAKE) --no-print-directory all
	@$(PROGRAM) serve --listen '$(LISTEN)' $(if $(DATA),--data '$(DATA)')
