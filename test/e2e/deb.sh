# The Debian package on a clean machine: a fresh Debian in a folder, from nothing to a film by the
# service and away again. Minutes, root, debootstrap and a mirror: `make deb-test`.
. test/e2e/lib.sh

if [ -z "${DEB_TEST:-}" ]; then
    echo "skip deb: make deb-test has it"
    exit 0
fi
root=$tmp/root
mirror=${MIRROR:-http://deb.debian.org/debian}
deb=$(find "${DEB_BUILD:-build/deb}" -maxdepth 1 -name 'zoetrope_*.deb' | head -n 1)
exits deb_is_there 0 test -f "$deb"
exits deb_clean_machine 0 debootstrap --variant=minbase bookworm "$root" "$mirror"
cp "$deb" "$root/root/zoetrope.deb"
mount -t proc proc "$root/proc" # what the machine has is read there
trap 'umount "$root/proc"; rm -rf "$tmp"' EXIT
in_root() { DEBIAN_FRONTEND=noninteractive XDG_CACHE_HOME=/root/cache chroot "$root" "$@"; }
# What apt, dpkg and the account tools keep for themselves is left aside.
listing() {
    in_root find / -xdev \( -path /proc -o -path /root -o -path /run -o -path '/var/lib/apt' -o -path '/var/lib/dpkg' \
        -o -path '/var/cache' -o -path '/var/log' -o -path '/etc/*-' \) -prune -o -print | sort
}
listing >"$tmp/before"
exits deb_installs 0 in_root apt-get -qq install -y --no-install-recommends /root/zoetrope.deb
exits deb_has_a_user 0 in_root id zoetrope
exits deb_enables_the_service 0 test -L "$root/etc/systemd/system/multi-user.target.wants/zoetrope.service"
exits deb_draws 0 in_root zoetrope "a red ball rolls in" --steps 2 --frames 5 -o /root/x.mp4
exits deb_film 0 test -s "$root/root/x.mp4"
# No function here: the signal is for the server itself.
chroot "$root" env ZOETROPE_SERVE_LISTEN=127.0.0.1:0 XDG_CACHE_HOME=/var/cache setpriv --reuid zoetrope --regid zoetrope \
    --clear-groups zoetrope serve --config /etc/zoetrope/config.json >"$tmp/serve" 2>"$tmp/err" &
server=$!
for _ in $(seq 100); do
    url=$(sed -n 's/^zoetrope serves at //p' "$tmp/serve")
    [ -n "$url" ] && break
    sleep 0.2
done
case $(curl -s "$url/healthz") in
*'"status": "ok"'*) ok deb_serves ;;
*) not_ok deb_serves "$(tail -n 1 "$tmp/err")" ;;
esac
kill -TERM $server
wait $server
exits deb_purges 0 in_root apt-get -qq purge -y zoetrope
in_root apt-get -qq autoremove --purge -y >/dev/null 2>&1
listing >"$tmp/after"
same deb_leaves_nothing "$(diff "$tmp/before" "$tmp/after" | tr '\n' ' ')" ""
same deb_leaves_no_user "$(grep -c zoetrope "$root/etc/passwd")" 0
