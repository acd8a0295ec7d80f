# The manual page, the help texts and the completions know the same options; shells complete.
. test/e2e/lib.sh

# plain FILE: the manual page as its reader sees it.
plain() { sed -e 's/\\-/-/g' -e 's/\\f[RIB]//g' "$1"; }
# words: a list of words in lines, sorted.
words() { grep -oE -- '-[-A-Za-z0-9_]+' | sort -u; }

plain doc/zoetrope.1 >"$tmp/man"
"$ZOETROPE" completion bash >"$tmp/bash"
commands=$(sed -n "s/.*compgen -W '\(generate [^']*\)'.*/\1/p" "$tmp/bash" | head -n 1)
[ -n "$commands" ] || not_ok manual_commands "no commands in the completion"

for command in $commands; do
    if [ "$command" = generate ]; then
        sed -n '/^.SH OPTIONS OF GENERATE/,/^.SH EXIT/p' "$tmp/man" >"$tmp/section"
    else
        sed -n "/^.SS Options of $command\$/,/^.S[SH] /p" "$tmp/man" >"$tmp/section"
    fi
    sed -n "s/^    $command) options='\([^']*\)'.*/\1/p" "$tmp/bash" | tr ' ' '\n' | grep . | grep -vx -- --help |
        sort -u >"$tmp/options"
    words <"$tmp/section" >"$tmp/known"
    missing=$(comm -23 "$tmp/options" "$tmp/known" | tr '\n' ' ')
    same "manual_has_options_of_$command" "$missing" ""
    holds "manual_has_command_$command" "$tmp/man" ".B $command"
    # What the help says at the beginning of a line, and what the completion offers.
    "$ZOETROPE" "$command" --help | sed '/^examples:/,$d' >"$tmp/help"
    grep -oE '^ +(-[A-Za-z], )?-{1,2}[A-Za-z][-A-Za-z0-9_]*' "$tmp/help" | words | grep -v -- --help >"$tmp/helped"
    missing=$(comm -13 "$tmp/options" "$tmp/helped" | tr '\n' ' ')
    same "completion_has_options_of_$command" "$missing" ""
    words <"$tmp/help" >"$tmp/known"
    missing=$(comm -23 "$tmp/options" "$tmp/known" | tr '\n' ' ')
    same "help_has_options_of_$command" "$missing" ""
done

# Completions in the shells themselves.
complete_bash() { # WORDS...: the answers for the last of them
    bash -c '. "$0"; COMP_WORDS=(zoetrope "$@"); COMP_CWORD=$#; _zoetrope; printf "%s\n" "${COMPREPLY[@]}"' \
        "$tmp/bash" "$@" 2>/dev/null | tr '\n' ' '
}
touch "$tmp/a film.mp4"
mkdir "$tmp/folder"
same bash_commands "$(complete_bash co)" "convert config completion "
same bash_options "$(complete_bash generate --guidance-)" "--guidance-2 --guidance-from --guidance-to --guidance-to-given "
same bash_options_of_a_sentence "$(complete_bash "a red ball rolls" --stre)" "--strength "
same bash_values "$(complete_bash generate --sampler u)" "unipc "
same bash_serve "$(complete_bash serve --most)" "--most-seconds "
same bash_shells "$(complete_bash completion f)" "fish "
same bash_files "$(complete_bash generate --first-frame "$tmp/a")" "$tmp/a film.mp4 "
same bash_folders "$(complete_bash serve --data "$tmp/f")" "$tmp/folder "
same bash_free_values "$(complete_bash serve --listen "$tmp/")" " "

if command -v fish >/dev/null; then
    "$ZOETROPE" completion fish >"$tmp/zoetrope.fish"
    complete_fish() {
        HOME=$tmp fish --no-config -c "source $tmp/zoetrope.fish; complete -C '$1'" | cut -f 1 | sort | tr '\n' ' '
    }
    same fish_commands "$(complete_fish "zoetrope co")" "completion config convert "
    same fish_options "$(complete_fish "zoetrope generate --guidance-")" "--guidance-2 --guidance-from --guidance-to --guidance-to-given "
    same fish_values "$(complete_fish "zoetrope generate --sampler uni")" "unipc "
else
    echo "skip fish: not here"
fi
if command -v zsh >/dev/null; then
    mkdir "$tmp/zsh"
    "$ZOETROPE" completion zsh >"$tmp/zsh/_zoetrope"
    # A terminal of zsh's own, because its completion works in the line editor alone.
    complete_zsh() { # LINE TEXT: that comes of it
        timeout 60 zsh -f -c 'zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z "PROMPT=; fpath=('"$tmp"'/zsh \$fpath)
autoload -U compinit; compinit -u -D; bindkey \"^I\" complete-word; unsetopt beep; print be\"\"gin"
            zpty -r z line "*begin*"; zpty -w -n z "$1"$'"'\\t'"'
            zpty -r z line "*$2*"; print -r -- $line; zpty -d z' zsh "$1" "$2"
    }
    case $(complete_zsh "zoetrope compl" "zoetrope completion") in
    *"zoetrope completion"*) ok zsh_commands ;;
    *) not_ok zsh_commands "no completion" ;;
    esac
    case $(complete_zsh "zoetrope generate --stren" --strength) in
    *--strength*) ok zsh_options ;;
    *) not_ok zsh_options "no completion" ;;
    esac
else
    echo "skip zsh: not here"
fi
