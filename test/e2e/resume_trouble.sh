# What may happen to a film beside kill -9: a full disk, a folder that goes, Ctrl-C, two at once, a model or picture that has
# changed, another machine. What is there plays, nothing is lost, and the film that goes on has the bits of one that was not.
. test/e2e/lib.sh

fixture "$tmp/model"
disk=$tmp/disk
mkdir "$disk"
film=y4m
have_media && film=mp4
cd "$tmp" || exit 1
job=film.$film.job
words=(generate -m "$tmp/model" -p "a red ball" --seed 4 --threads 1)
sum() { sha256sum <"$1"; }

# draws JOB OPTIONS...: a film whose process is $pid, stopped where it has kept a window and has others to draw.
draws() {
    "$ZOETROPE" "${words[@]}" "${long[@]}" "${@:2}" >out 2>err </dev/null &
    pid=$!
    until_true 90 test -s "$1/windows" || not_ok draws "no $1/windows"
    kill -STOP $pid
}
killed() {
    kill -KILL $pid
    wait $pid
} 2>/dev/null

# --- Ctrl-C in the middle of windows: what is left plays
long=(--seconds 12 --steps 12)
exits whole 0 "$ZOETROPE" "${words[@]}" "${long[@]}" -o "whole.$film"
set -m # as at a terminal: children hear of SIGINT
draws "$job" -o "film.$film"
exits second_process_is_refused 4 "$ZOETROPE" resume "$job"
holds second_process_is_named err "is being written already"
exits second_process_elsewhere_is_refused 4 "$ZOETROPE" resume "$job" -o "elsewhere.$film"
holds job_is_held_is_said err "another process is drawing this film"
kill -INT $pid
kill -CONT $pid
wait -f $pid 2>/dev/null # not for its being stopped
same ctrl_c_is_130 $? 130
set +m
[ "$film" = y4m ] || exits what_is_left_plays 0 ffmpeg -v error -xerror -i film.part.mp4 -f null -
if [ -e "film.$film" ]; then not_ok nothing_looks_whole "film.$film is there"; else ok nothing_looks_whole; fi

# --- what decides the film has changed
cp -r "$job" kept
weights=$(find "$tmp/model/transformer" -name '*.safetensors' | head -n 1)
cp "$weights" weights
printf '\001' | dd of="$weights" bs=1 seek=$(($(stat -c %s "$weights") - 3)) conv=notrunc 2>/dev/null
exits another_model_is_refused 2 "$ZOETROPE" resume "$job"
holds another_model_is_named err "model_hash"
cp weights "$weights"

# --- other instructions of a CPU
ZT_CPU=c exits other_instructions_go_on 0 "$ZOETROPE" resume kept -o "other.$film"
holds other_instructions_are_said err "begun with the instructions of another"
exits goes_on 0 "$ZOETROPE" resume "$job"
same goes_on_to_the_same_bits "$(sum "film.$film")" "$(sum "whole.$film")"
rm -f film.*

# --- a picture that has changed, and one that has not
"$ZOETROPE" "${words[@]}" --steps 2 -o first.png >/dev/null 2>&1
pictured=(--first-frame first.png --force-picture)
draws "$job" "${pictured[@]}" -o "film.$film"
killed
cp first.png right.png
"$ZOETROPE" "${words[@]}" --seed 9 --steps 2 -o first.png -y >/dev/null 2>&1
exits another_picture_is_refused 2 "$ZOETROPE" resume "$job"
holds another_picture_is_named err "first_frame_hash"
cp right.png first.png
exits from_a_picture 0 "$ZOETROPE" resume "$job"
"$ZOETROPE" "${words[@]}" "${long[@]}" "${pictured[@]}" -o "pictured.$film" >/dev/null 2>&1
same from_a_picture_the_same_bits "$(sum "film.$film")" "$(sum "pictured.$film")"
rm -f film.*

# --- several films: those that are whole stay, the one that was killed goes on
draws "film-2.$film.job" -b 2 -o "film.$film"
killed
before=$(stat -c %Y%i "film-1.$film")
exits variants_go_on 0 "$ZOETROPE" "${words[@]}" "${long[@]}" -b 2 --skip-existing -o "film.$film"
same whole_variants_stay "$(stat -c %Y%i "film-1.$film")" "$before"
"$ZOETROPE" "${words[@]}" --seed 5 "${long[@]}" -o "second.$film" >/dev/null 2>&1
same variant_the_same_bits "$(sum "film-2.$film")" "$(sum "second.$film")"
same variants_are_all_there "$(ls -d film-*)" "$(printf 'film-%s\n' 1.$film 2.$film)"
rm -f film*

# --- the folder of the film goes, the job lies elsewhere
mkdir gone
draws kept2 --job kept2 -o "gone/film.$film"
rm -r gone
kill -CONT $pid
wait $pid 2>/dev/null
same folder_gone_is_an_error $? 4
holds folder_gone_says_how_to_go_on err "zoetrope resume kept2"
mkdir gone
exits folder_is_back 0 "$ZOETROPE" resume kept2
same folder_is_back_the_same_bits "$(sum "gone/film.$film")" "$(sum "whole.$film")"

# --- a full disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=64m none "$disk" 2>/dev/null; then
    trap 'umount "$disk"; rm -rf "$tmp"' EXIT
    draws "$disk/$job" -o "$disk/film.$film"
    head -c 100m /dev/zero >"$disk/filler" 2>/dev/null
    kill -CONT $pid
    wait $pid 2>/dev/null
    status=$?
    case $status in 4 | 6) ok full_disk_is_an_error ;; *) not_ok full_disk_is_an_error "exit $status" ;; esac
    holds full_disk_says_how_to_go_on err "zoetrope resume $disk/$job"
    rm "$disk/filler"
    exits room_again 0 "$ZOETROPE" resume "$disk/$job"
    same room_again_the_same_bits "$(sum "$disk/film.$film")" "$(sum "whole.$film")"
fi
