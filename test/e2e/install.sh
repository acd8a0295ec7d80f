# make install into an empty folder: everything is there, runs from there, and goes away again.
. test/e2e/lib.sh

root=$tmp/root
if ! make -s install DESTDIR="$root" PREFIX=/usr BUILD="$BUILD" >"$tmp/log" 2>&1; then
    not_ok install "$(tail -n 1 "$tmp/log")"
    exit 0
fi
ok install
for f in bin/zoetrope lib/libzoetrope.a lib/libzoetrope.so lib/libzoetrope.so.0 include/zoetrope.h \
    lib/pkgconfig/zoetrope.pc share/man/man1/zoetrope.1 share/bash-completion/completions/zoetrope \
    share/zsh/site-functions/_zoetrope share/fish/vendor_completions.d/zoetrope.fish \
    share/zoetrope/python/zoetrope.py share/zoetrope/python/comfyui_zoetrope/__init__.py; do
    if [ -e "$root/usr/$f" ]; then ok "install_$f"; else not_ok "install_$f" "not there"; fi
done

# A program of somebody else: built by pkg-config alone, run against the shared library.
cat >"$tmp/other.c" <<'END'
#include <stdio.h>
#include <zoetrope.h>
int linear(void) { return 1; } /* a name that the library uses for itself */
int main(void) { puts(zt_version()); return !linear(); }
END
flags=$(PKG_CONFIG_PATH=$root/usr/lib/pkgconfig pkg-config --define-variable=prefix="$root/usr" \
    --define-variable=libdir="$root/usr/lib" --define-variable=includedir="$root/usr/include" \
    --cflags --libs zoetrope)
# shellcheck disable=SC2086
if gcc -o "$tmp/other" "$tmp/other.c" $flags 2>"$tmp/err"; then
    version=$(LD_LIBRARY_PATH=$root/usr/lib "$tmp/other")
    same install_shared_library "$version" "$(sed -n 's/^VERSION := //p' mk/config.mk)"
else
    not_ok install_shared_library "$(tail -n 1 "$tmp/err")"
fi

[ -f model/model_index.json ] || fixture "$root/usr/share/zoetrope/model"
(cd / && "$root/usr/bin/zoetrope" info) >"$tmp/out" 2>"$tmp/err"
same install_program_finds_its_model $? 0

if [ -x /usr/bin/python3 ]; then
    (cd / && PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$root/usr/share/zoetrope/python/zoetrope.py" --list-options) \
        >"$tmp/out" 2>"$tmp/err"
    same install_python_finds_the_library $? 0
fi

make -s uninstall DESTDIR="$root" PREFIX=/usr BUILD="$BUILD" >/dev/null 2>&1
same uninstall_leaves_nothing "$(find "$root" ! -type d | wc -l)" 0
