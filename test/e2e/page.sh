#!/bin/bash
# The page of the service. A browser drives it only when `make page-test` says so: Chromium is large.
. test/e2e/lib.sh

# Nothing on the page comes from elsewhere, and nothing of it is inside its markup.
if grep -nE "(https?:)?//[a-z0-9]" web/*.html web/*.css web/*.js | grep -v 'http://www.w3.org/2000/svg"' |
    grep -vE '(^|[^:])// ' >"$tmp/outside"; then
    not_ok page_names_no_other_address "$(head -n 1 "$tmp/outside")"
else
    ok page_names_no_other_address
fi
if grep -nE '<style|<script>| style=| on[a-z]+=' web/index.html >"$tmp/inline"; then
    not_ok page_has_nothing_inline "$(head -n 1 "$tmp/inline")"
else
    ok page_has_nothing_inline
fi
if grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function' web/*.js >"$tmp/markup"; then
    not_ok page_sets_text_as_text "$(head -n 1 "$tmp/markup")"
else
    ok page_sets_text_as_text
fi

if [ "${PAGE_TEST:-0}" != 1 ]; then
    echo "skip page in a browser: make page-test runs it"
    exit 0
fi
for program in chromium chromedriver /usr/bin/python3; do
    command -v $program >/dev/null 2>&1 || { echo "skip page in a browser: no $program"; exit 0; }
done
/usr/bin/python3 -c 'import selenium' 2>/dev/null || { echo "skip page in a browser: no python3-selenium"; exit 0; }
"$ZOETROPE" serve --help >/dev/null 2>&1 || { echo "skip page in a browser: no service in this build"; exit 0; }
have_media || { echo "skip page in a browser: this build writes no mp4"; exit 0; }

fixture "$tmp/model"
/usr/bin/python3 test/e2e/page/run.py "$ZOETROPE" "$tmp" "$@"
