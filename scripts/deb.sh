#!/bin/sh
# deb.sh - make a Debian package of the installed tree ROOT (mk/deb.mk): what only developers need
# goes, the service comes, dependencies are asked of dpkg-shlibdeps.
set -eu

name=${DEBFULLNAME:-zoetrope}
mail=${DEBEMAIL:-zoetrope@localhost.localdomain}
arch=$(dpkg-architecture -qDEB_HOST_ARCH)
revision=$VERSION-1
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
deb=$BUILD/zoetrope_${revision}_$arch.deb

rm -rf "$ROOT/usr/include" "$ROOT$LIBDIR/pkgconfig" "$ROOT$LIBDIR/libzoetrope.a" "$ROOT$LIBDIR/libzoetrope.so"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$ROOT/usr/bin/zoetrope"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$ROOT$LIBDIR/libzoetrope.so.$VERSION"
chmod 644 "$ROOT$LIBDIR/libzoetrope.so.$VERSION"
install -d "$ROOT/usr/share/doc/zoetrope" "$ROOT/DEBIAN"
install -D -m 644 packaging/zoetrope.service "$ROOT/lib/systemd/system/zoetrope.service"
install -m 644 packaging/zoetrope.socket packaging/zoetrope-worker.service "$ROOT/lib/systemd/system/"
install -D -m 644 packaging/config.json "$ROOT/etc/zoetrope/config.json"
install -m 644 README.md doc/SERVE.md packaging/copyright "$ROOT/usr/share/doc/zoetrope/"
gzip -9n "$ROOT/usr/share/man/man1/zoetrope.1"
gzip -9nc CHANGELOG.md >"$ROOT/usr/share/doc/zoetrope/changelog.gz"
printf 'zoetrope (%s) unstable; urgency=medium\n\n  * Made by make deb; changelog.gz says what is new.\n\n -- %s <%s>  %s\n' \
    "$revision" "$name" "$mail" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" |
    gzip -9n >"$ROOT/usr/share/doc/zoetrope/changelog.Debian.gz"

# dpkg-shlibdeps wants a source tree with debian/control; the library itself is within the package.
work=$BUILD/shlibdeps
rm -rf "$work"
mkdir -p "$work/debian"
printf 'Source: zoetrope\nPackage: zoetrope\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O -l"$ROOT$LIBDIR" -xzoetrope "$ROOT/usr/bin/zoetrope" \
    "$ROOT$LIBDIR/libzoetrope.so.$VERSION" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "deb.sh: dpkg-shlibdeps found no dependencies" >&2; exit 1; }

cat >"$ROOT/DEBIAN/control" <<EOF
Package: zoetrope
Version: $revision
Architecture: $arch
Maintainer: $name <$mail>
Installed-Size: $(du -sk --exclude=DEBIAN "$ROOT" | cut -f 1)
Depends: $depends, adduser
Pre-Depends: init-system-helpers (>= 1.54~)
Recommends: procps
Suggests: python3, bash-completion
Section: video
Priority: optional
Description: words become moving pictures
 A text-to-video system in C with a small model of its own: a prompt in
 English or Chinese becomes a film. It also draws with weights of the Wan 2.x
 family, trains models, and serves films over HTTP to people and programs
 (zoetrope.service, on 127.0.0.1:8700).
EOF
echo /etc/zoetrope/config.json >"$ROOT/DEBIAN/conffiles"
echo "activate-noawait ldconfig" >"$ROOT/DEBIAN/triggers"
echo "libzoetrope $SOVERSION zoetrope (>= $VERSION)" >"$ROOT/DEBIAN/shlibs"
install -m 755 packaging/postinst packaging/prerm packaging/postrm "$ROOT/DEBIAN/"
(cd "$ROOT" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) \
    >"$ROOT/DEBIAN/md5sums"
find "$ROOT" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --build "$ROOT" "$deb" >/dev/null
echo "$deb"
