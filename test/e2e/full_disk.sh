# A disk that is full: a clear error with exit 4 or 6, nothing that is half written stands under its final name, and the same
# command goes on when there is room again. Needs a small disk of its own, so root and mount.
. test/e2e/lib.sh

disk=$tmp/disk
mkdir "$disk"
if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=64k none "$disk" 2>/dev/null; then
    echo "ok full_disk # skipped: no small disk without root and mount"
    exit 0
fi
trap 'umount "$disk"; rm -rf "$tmp"' EXIT
room() { mount -o "remount,size=$1" "$disk"; }
empty() { find "$disk" -mindepth 1 -delete; }
zt() { "$ZOETROPE" "$@"; }
# full NAME COMMAND...: exit 4 or 6 and a message that says why.
full() {
    name=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
    case $got in
    4 | 6) ok "$name" ;;
    *) not_ok "$name" "exit $got, expected 4 or 6; $(tail -n 1 "$tmp/err")" ;;
    esac
    holds "${name}_says_why" "$tmp/err" "No space left on device"
}
absent() { if [ -e "$2" ]; then not_ok "$1" "$(basename "$2") is there"; else ok "$1"; fi; }

fixture "$tmp/models/fixture"
export ZOETROPE_MODELS=$tmp/models
quick="--size 224x128 --steps 1 --frames 17 --seed 1 --guidance 1"

# --- films
full film_y4m zt -p "a red ball" $quick -o "$disk/film.y4m"
absent film_y4m_has_no_name "$disk/film.y4m"
room 16m
exits film_y4m_goes_on 0 zt -p "a red ball" $quick -y -o "$disk/film.y4m"
exits film_y4m_is_whole 0 zt measure "$disk/film.y4m"
empty
if have_media; then
    for size in 4k 64k 224k; do # no header, some fragments, the part but not the film beside it
        room $size
        full film_mp4_$size zt -p "a red ball" $quick -y -o "$disk/film.mp4"
        absent film_mp4_${size}_has_no_name "$disk/film.mp4"
    done
    room 16m
    exits film_mp4_goes_on 0 zt -p "a red ball" $quick -y -o "$disk/film.mp4"
    exits film_mp4_is_whole 0 zt measure "$disk/film.mp4"
    empty
    room 64k
    full film_png zt -p "a red ball" $quick -o "$disk/png/"
    for f in "$disk"/png/frame-*.png; do
        [ -e "$f" ] || continue
        ffmpeg -v error -xerror -i "$f" -f null - 2>/dev/null || not_ok film_png_has_whole_frames "$(basename "$f")"
    done
    absent film_png_is_not_at_its_end "$disk/png/frame-00016.png"
    room 16m
    exits film_png_goes_on 0 zt -p "a red ball" $quick -y -o "$disk/png/"
    same film_png_is_whole "$(ls "$disk"/png/frame-*.png | wc -l)" 17
    empty
fi

# --- a model in another type
room 64k
full convert zt convert "$tmp/models/fixture" -o "$disk/model"
absent convert_shows_no_model "$disk/model/model_index.json"
room 16m
exits convert_goes_on 0 zt convert "$tmp/models/fixture" -o "$disk/model"
exits convert_model_is_whole 0 zt info "$disk/model"
empty

# --- training
# full_train NAME: the command stopped for want of room, said so, and shows no model.
full_train() {
    case $got in
    4 | 6) ok "$1" ;;
    *) not_ok "$1" "exit $got, expected 4 or 6; $(tail -n 1 "$tmp/err")" ;;
    esac
    holds "${1}_says_where" "$tmp/err" "$2"
    absent "${1}_shows_no_model" "$run/model/model_index.json"
}
train() {
    zt train $config --out "$run" --resume auto >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
}
config=$tmp/tiny.json whole=$tmp/whole run=$disk/run
sed 's/"checkpoint_minutes": 0.003/"checkpoint_minutes": 60/' configs/tiny.json >$config # none by the clock
exits train_with_room 0 zt train $config --out "$whole"

# Clips and latents are counted before anything is drawn: a full disk is said at once.
room 64k
train
full_train train_counts_before "KiB are free on this disk"
absent train_counts_before_drawing "$run/reel.bin"
# Another program may fill the disk meanwhile: a limit of the file's length stands for it.
room 64m
short() { # KIB
    (trap '' XFSZ && ulimit -f "$1" && train && exit $got)
    got=$?
}
short 200
full_train train_reel "reel.bin: cannot write"
train_without() { # what follows the reel and the codec again
    rm -rf "$run"
    cp -r "$whole" "$run"
    rm -rf "$run"/model "$run"/dit-* "$run"/curve-dit* "$run"/latents.bin
}
train_without
short 100
full_train train_latents "latents.bin: cannot write"
train
same train_latents_go_on "$got" 0
same train_latents_are_the_same "$(cksum <"$run/latents.bin")" "$(cksum <"$whole/latents.bin")"

# Checkpoints and the model, as the disk grows.
rm -rf "$run"
for size in 1300 1700 2400 5000; do
    room ${size}k
    train
    full_train "train_$size" "No space left on device"
    where="${where:-} $(sed -n 's/.*run\/\([^:]*\): cannot .*/\1/p' "$tmp/err" | tail -n 1)"
done
holds train_was_full_under_the_codec <(echo "$where") "vae-"
holds train_was_full_under_the_transformer <(echo "$where") "dit-"
holds train_was_full_under_the_model <(echo "$where") "model/"
echo "# full under:$where"
room 64m
exits train_goes_on_with_room 0 zt train $config --out "$run" --resume auto
for file in curve-vae.jsonl curve-dit.jsonl reel.bin latents.bin; do
    [ -e "$whole/$file" ] && same "train_has_the_same_$file" "$(cksum <"$run/$file")" "$(cksum <"$whole/$file")"
done
for part in transformer text_encoder vae; do
    same "train_has_the_same_$part" "$(cat "$run/model/$part"/*.safetensors | cksum)" \
        "$(cat "$whole/model/$part"/*.safetensors | cksum)"
done
exits train_model_is_whole 0 zt -p "a red ball" --model "$run/model" --steps 1 -o "$tmp/film.y4m"
