# desk.sh - sourced by the scripts here: a temporary folder that goes at the end, with pinned packages in it.

desk=$(mktemp -d) || exit 1
trap 'rm -rf "$desk"' EXIT

# desk_install PACKAGE==VERSION...: into a Python environment of its own.
desk_install() {
    python3 -m venv "$desk/venv" &&
        "$desk/venv/bin/pip" install --quiet --disable-pip-version-check "$@" && return 0
    echo "the packages could not be installed: $*" >&2
    exit 2
}

# desk_python: runs the program on standard input.
desk_python() {
    HF_HUB_OFFLINE=1 DIFFUSERS_VERBOSITY=error "$desk/venv/bin/python" -W ignore -
}
