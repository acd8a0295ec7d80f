# zoetrope pull, as far as it goes without a network; with a server it is tested in test/unit.
. test/e2e/lib.sh

zt() { "$ZOETROPE" "$@"; }
cd "$tmp" || exit 1
unset HF_ENDPOINT HF_TOKEN MODELSCOPE_ENDPOINT

exits pull_help 0 zt pull --help
exits pull_nothing 2 zt pull
exits pull_no_name 2 zt pull name
holds pull_no_name_says_how "$tmp/err" "ORG/NAME"
exits pull_two 2 zt pull org/a org/b
exits pull_no_option 2 zt pull org/a --everything
exits pull_no_hub 2 zt pull org/a --from ftp://example.org
holds pull_no_hub_says_which "$tmp/err" "huggingface, modelscope or https://..."
if ! grep -q 'NET=0' "$OLDPWD/$BUILD/flags.txt" 2>/dev/null; then
    exits pull_plain_http 2 zt pull org/a --from http://192.0.2.1
    holds pull_plain_http_says_why "$tmp/err" "http is allowed to this machine alone"
    exits pull_no_server 4 env HF_ENDPOINT=http://127.0.0.1:1 "$ZOETROPE" pull org/a
    same pull_leaves_nothing "$(ls)" "$(printf 'err\nout')"
fi
mkdir a && touch a/file
exits pull_is_there 4 zt pull org/a
