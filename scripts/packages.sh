#!/bin/sh
# packages.sh [--packages=yes|no] TIER - install the Debian packages that TIER still misses.
# packages.sh --missing TIER           - only print the line that would install them.
#
# TIER: build (compiler, jansson, ODE), media (build and FFmpeg), serve (media, libcurl, libmicrohttpd, SQLite, libpq),
# test (serve, g++, the ffmpeg program and what plays a client), page (test and a browser that is driven, 400 MB),
# check (test and the linters). Names the packages first, asks on a terminal only, uses sudo where
# not root. Where it may not install, it prints the line to run and succeeds: the build goes on
# with what there is.
set -u

allowed=yes
only_print=no
while [ $# -gt 1 ]; do
    case $1 in
    --packages=*) allowed=${1#--packages=} ;;
    --missing) only_print=yes ;;
    *) echo "packages.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

build="gcc libc6-dev pkg-config libjansson-dev libode-dev"
media="$build libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libswresample-dev"
serve="$media libcurl4-openssl-dev libmicrohttpd-dev libsqlite3-dev libpq-dev"
test="$serve g++ ffmpeg curl python3 postgresql"
case ${1:-} in
build) wanted=$build ;;
media) wanted=$media ;;
serve) wanted=$serve ;;
test) wanted=$test ;;
page) wanted="$test chromium chromium-driver python3-selenium" ;;
check) wanted="$test clang clang-format cppcheck" ;;
*) echo "packages.sh: tier is build, media, serve, test, page or check" >&2; exit 2 ;;
esac

# Is the thing itself there? Package names differ between systems, so dpkg is not asked.
present() {
    case $1 in
    libc6-dev) printf '#include <stdio.h>\n' | gcc -fsyntax-only -xc - 2>/dev/null ;;
    libjansson-dev) pkg-config --exists jansson 2>/dev/null ;;
    libode-dev) pkg-config --exists ode 2>/dev/null ;;
    libcurl4-openssl-dev) pkg-config --exists libcurl 2>/dev/null ;;
    libsqlite3-dev) pkg-config --exists sqlite3 2>/dev/null ;;
    postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
    chromium-driver) command -v chromedriver >/dev/null 2>&1 ;;
    python3-selenium) /usr/bin/python3 -c 'import selenium' 2>/dev/null ;;
    lib*-dev) pkg-config --exists "${1%-dev}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing=
for p in $wanted; do
    present "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-install-recommends$missing"
if [ $only_print = yes ]; then
    echo "zoetrope needs packages that are not here. To install them: sudo $line" >&2
    exit 0
fi
give_up() {
    echo "packages not installed ($1). To install them: sudo $line" >&2
    exit 0
}

echo "zoetrope uses these packages, which are not installed:$missing" >&2
[ "$allowed" = yes ] || give_up "PACKAGES=$allowed"
command -v apt-get >/dev/null 2>&1 || give_up "no apt-get here"
sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || give_up "not root, and no sudo here"
    sudo=sudo
    [ -t 0 ] || sudo="sudo -n"
    [ -t 0 ] || sudo -n true 2>/dev/null || give_up "sudo asks for a password"
fi
if [ -t 0 ] && [ -t 2 ]; then
    printf 'Install them now with apt? [Y/n] ' >&2
    read -r answer || answer=n
    case $answer in
    "" | y* | Y*) ;;
    *) give_up "declined" ;;
    esac
fi

apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 \
        -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=120 "$@" >&2
}
# A fresh machine has no package lists, an old one has stale ones: update only when it is needed.
# shellcheck disable=SC2086
apt install -y --no-install-recommends $missing 2>/dev/null && exit 0
# shellcheck disable=SC2086
apt update && apt install -y --no-install-recommends $missing && exit 0
give_up "apt-get failed"
