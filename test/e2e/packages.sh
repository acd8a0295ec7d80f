# scripts/packages.sh against a machine where nothing is installed and apt-get is a stand-in.
. test/e2e/lib.sh

# A compiler is here and the libraries are not: packages are named before a rule wants their files.
mkdir "$tmp/only-gcc"
printf '#!/bin/sh\nexit 1\n' >"$tmp/only-gcc/pkg-config"
cat >"$tmp/only-gcc/gcc" <<END
#!/bin/sh
case "\$*" in -print-file-name=*) echo "\${1#*=}" ;; *) PATH='$PATH' exec gcc "\$@" ;; esac
END
chmod +x "$tmp"/only-gcc/*
for static in 0 1; do
    exits make_without_libraries_$static 2 env PATH="$tmp/only-gcc:$PATH" make BUILD="$tmp/build" CC=gcc CUDA=0 MEDIA=0 STATIC_LIBS=$static
    holds make_names_them_$static "$tmp/err" "libjansson-dev libode-dev"
    if grep -q "No rule" "$tmp/err"; then not_ok make_has_a_rule_$static "$(cat "$tmp/err")"; else ok make_has_a_rule_$static; fi
done

mkdir "$tmp/bin"
for program in pkg-config gcc ffmpeg clang clang-format cppcheck; do
    printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/$program"
    chmod +x "$tmp/bin/$program"
done
cat >"$tmp/bin/apt-get" <<END
#!/bin/sh
echo "\$*" >>'$tmp/apt'
exit \$(cat '$tmp/apt_status')
END
printf '#!/bin/sh\n[ "$1" = -n ] && exit 1\nexec "$@"\n' >"$tmp/bin/sudo"
chmod +x "$tmp/bin/apt-get" "$tmp/bin/sudo"
PATH=$tmp/bin:$PATH

line='apt-get install -y --no-install-recommends'

echo 0 >"$tmp/apt_status"
exits packages_said_no 0 scripts/packages.sh --packages=no media
holds packages_names_them "$tmp/err" libavcodec-dev
holds packages_prints_the_line "$tmp/err" "$line"
if [ -e "$tmp/apt" ]; then not_ok packages_no_means_no "apt-get was called"; else ok packages_no_means_no; fi

exits packages_missing_only_prints 0 scripts/packages.sh --missing build
if [ -e "$tmp/apt" ]; then not_ok packages_missing_calls_nothing "apt-get was called"; else ok packages_missing_calls_nothing; fi
if grep -q libavcodec-dev "$tmp/err"; then not_ok packages_tiers "build asks for media"; else ok packages_tiers; fi

exits packages_test_tier 0 scripts/packages.sh --missing test
if grep -q chromium "$tmp/err"; then not_ok packages_test_without_a_browser "test asks for chromium"; else ok packages_test_without_a_browser; fi

exits packages_unknown_tier 2 scripts/packages.sh everything

if [ "$(id -u)" -eq 0 ]; then
    exits packages_installs 0 scripts/packages.sh media
    holds packages_calls_apt "$tmp/apt" "libode-dev"
    if grep -q cppcheck "$tmp/apt"; then not_ok packages_no_linters "media installs linters"; else ok packages_no_linters; fi
    echo 100 >"$tmp/apt_status"
    exits packages_without_network_goes_on 0 scripts/packages.sh media
    holds packages_without_network_prints_the_line "$tmp/err" "$line"
fi
