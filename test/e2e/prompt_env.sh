# make video PROMPT=...: the words reach the program as they were written. A stand-in program keeps
# what it is given; make's command line and the environment are both ways in.
. test/e2e/lib.sh

stand_in=$tmp/stand-in
cat >"$stand_in" <<END
#!/bin/sh
printf '%s\n' "\$@" > '$tmp/args'
cat > '$tmp/prompt'
END
chmod +x "$stand_in"

video() { # how NAME PROMPT
    rm -f "$tmp/prompt"
    case $1 in
    line) make -s video PACKAGES=no ZOETROPE="$stand_in" OUT="$tmp/o u't.y4m" PROMPT="$3" ;;
    env) env PROMPT="$3" OUT="$tmp/o u't.y4m" make -s video PACKAGES=no ZOETROPE="$stand_in" ;;
    esac >"$tmp/log" 2>&1
    if [ ! -f "$tmp/prompt" ]; then
        not_ok "prompt_$1_$2" "the program was not called: $(tail -n 1 "$tmp/log")"
        return
    fi
    printf '%s' "$3" >"$tmp/expected"
    if cmp -s "$tmp/expected" "$tmp/prompt"; then
        ok "prompt_$1_$2"
    else
        not_ok "prompt_$1_$2" "got '$(cat "$tmp/prompt")'"
    fi
}

newline='a red ball
and a blue box'
all="it's \"a\" \$HOME \$(id) \`id\` # \\ % ; | & > < * ? ~ ! {a,b} [x] = := 红球，撞倒“方块”！
second\\ line \$\$ \${PATH} \\n"
for how in line env; do
    video $how plain 'a red ball rolls'
    video $how quotes 'a "red" ball'
    video $how apostrophe "a ball that's red"
    video $how dollar 'costs $5, $HOME, $(shell id), ${PATH}, $$'
    video $how hash 'ball # no comment'
    video $how backticks 'a `id` ball'
    video $how newline "$newline"
    video $how full_width '一个红球从左边滚来，撞倒“蓝色”方块！（慢）'
    video $how at_sign '@/etc/hostname'
    video $how dash '-'
    video $how option '--help'
    video $how spaces 'two  spaces and one at the end '
    video $how everything "$all"
done
# The file name is data as well.
if grep -qxF "$tmp/o u't.y4m" "$tmp/args"; then
    ok prompt_out_name
else
    not_ok prompt_out_name "arguments were $(tr '\n' ' ' <"$tmp/args")"
fi
