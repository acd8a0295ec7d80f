#!/bin/sh
# The forecast of memory against the peak of the process (VmHWM), for models stored in each type, with
# and without a first frame, short and long films, other sizes, kinds of film and samplers: within
# 2 %. What is forecast is the plan's figure, found before any weight is read. A model of 50 MB in all may be 2 MiB off:
# which pages of a program's code a run will read is not forecast, and there they are more than 2 %.
. test/e2e/lib.sh

# close NAME ARGUMENTS...: of `generate`.
close() {
    name=$1
    shift
    if ! "$ZOETROPE" generate "a red ball rolls to the right" --seed 1 --json -y "$@" \
        >"$tmp/out" 2>"$tmp/err" </dev/null; then
        not_ok "$name" "$(tail -n 1 "$tmp/err")"
        return
    fi
    forecast=$(figure memory_bytes) peak=$(figure peak_rss_bytes)
    allowed=$((${peak:-0} / 50))
    less=$allowed
    case $name in
    small-*) allowed=2097152 less=$allowed ;;
    threads_without_cores) less=$((${peak:-0} / 5)) ;;
    esac
    if [ -n "$forecast" ] && [ -n "$peak" ] && [ $((forecast - peak)) -le "$less" ] &&
        [ $((peak - forecast)) -le $allowed ]; then
        ok "$name"
    else
        not_ok "$name" "forecast $forecast bytes, peak $peak"
    fi
}

# figure KEY: a number of the last line of the report.
figure() {
    tail -n 1 "$tmp/out" | sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p"
}

film=y4m
have_media && film=mp4
printf 'P6\n6 4\n255\n' >"$tmp/first.ppm"
head -c 72 "$ZOETROPE" >>"$tmp/first.ppm"
fixture "$tmp/small-f32"
for type in bf16 f32 int8; do
    exits "convert_to_$type" 0 "$ZOETROPE" convert -o "$tmp/$type" --weights $type
    [ $type = f32 ] ||
        exits "convert_small_to_$type" 0 "$ZOETROPE" convert "$tmp/small-f32" -o "$tmp/small-$type" --weights $type
    for model in "" small-; do
        # random weights show another scene behind the picture: its details, 3 MB, end before they are used
        detail=${model:+--picture-detail 0}
        close "${model}$type" --model "$tmp/$model$type" -o "$tmp/film.$film" --steps 2
        close "${model}${type}_first_frame" --model "$tmp/$model$type" -o "$tmp/film.$film" --steps 2 \
            --first-frame "$tmp/first.ppm" --force-picture $detail
    done
done
close computed_in_f32 -o "$tmp/film.y4m" --type f32 --steps 2 --frames 9
for type in int8 q8_0 q4_0; do
    close loaded_as_$type -o "$tmp/film.y4m" --type $type --steps 2 --frames 9
done
close f32_loaded_as_int8 --model "$tmp/f32" -o "$tmp/film.y4m" --type int8 --steps 2 --frames 9
close one_picture -o "$tmp/film.y4m" --frames 1 --steps 2
close frames_121 -o "$tmp/film.$film" --frames 121 --steps 2
close first_frame_121 -o "$tmp/film.y4m" --frames 121 --steps 2 --first-frame "$tmp/first.ppm" --force-picture
close large -o "$tmp/film.$film" --size 1280x720 --frames 21 --steps 2
close heun -o "$tmp/film.y4m" --sampler heun --frames 21 --steps 2
close one_thread -o "$tmp/film.y4m" --threads 1 --frames 21 --steps 2
close many_threads -o "$tmp/film.y4m" --threads "$(nproc)" --frames 21 --steps 2
# Of more threads than cores some may never find work, so they take less than is forecast; never more.
close threads_without_cores -o "$tmp/film.y4m" --threads 7 --frames 21 --steps 2
# capped NAME ARGUMENTS...: bits as without --ram, which is 36 MB less than the film took; the process stays below it.
capped() {
    name=$1
    shift
    close "$name" -o "$tmp/free.y4m" --steps 3 --frames 9 "$@"
    cap=$((${peak:-0} - 36000000))
    "$ZOETROPE" generate "a red ball rolls to the right" --seed 1 --json -y -o "$tmp/capped.y4m" --steps 3 --frames 9 \
        --ram $cap "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    forecast=$(figure memory_bytes) peak=$(figure peak_rss_bytes)
    if [ "${peak:-$cap}" -lt $cap ] && [ "$forecast" -le $cap ] && [ $peak -le $((forecast + 2097152)) ] &&
        [ $((forecast - peak)) -le $((peak / 50)) ]; then
        ok "${name}_below_ram"
    else
        not_ok "${name}_below_ram" "cap $cap, forecast $forecast, peak $peak; $(tail -n 1 "$tmp/err")"
    fi
    holds "${name}_says_so" "$tmp/out" "are read from their files again in every step"
    if cmp -s "$tmp/free.y4m" "$tmp/capped.y4m"; then ok "${name}_same_bits"; else not_ok "${name}_same_bits" "films differ"; fi
}
capped paged_f32 --model "$tmp/f32" --type f32
# One thread: of two, which hold a buffer each, the second may find no work while the peak lasts, and 3 MB less are taken.
capped paged_bf16 --model "$tmp/bf16" --type bf16 --threads 1
# The least is said, and it is enough.
exits paged_too_small 6 "$ZOETROPE" generate "a red ball rolls to the right" --model "$tmp/f32" --type f32 --steps 1 \
    --frames 9 --seed 1 --ram 100M -y -o "$tmp/capped.y4m"
least=$(sed -n 's/.* need \([0-9]*\) MiB of memory.*/\1/p' "$tmp/err")
exits paged_least 0 "$ZOETROPE" generate "a red ball rolls to the right" --model "$tmp/f32" --type f32 --steps 1 \
    --frames 9 --seed 1 --ram $((${least:-0} + 1))M -y -o "$tmp/capped.y4m"
# lora FILE EACH: of the shipped model, pairs of rank 128 for all attention, and a difference for the MLP of every EACHth block.
lora() {
    awk -v each=$2 'function put(name, a, b) {
            printf "%s\"transformer.blocks.%s\":{\"dtype\":\"BF16\",\"shape\":[%d,%d],\"data_offsets\":[%d,%d]}",
                (at ? "," : "{"), name, a, b, at, at + 2 * a * b
            at += 2 * a * b
        }
        BEGIN {
            n = split("to_q to_k to_v to_out.0", layer)
            for (i = 0; i < 12; i++) {
                for (k = 1; k <= 2; k++)
                    for (l = 1; l <= n; l++) {
                        put(i ".attn" k "." layer[l] ".lora_A.weight", 128, 384)
                        put(i ".attn" k "." layer[l] ".lora_B.weight", 384, 128)
                    }
                if (i % each == 0)
                    put(i ".ffn.net.0.proj.diff", 1536, 384)
            }
            printf "}"
        }' >"$tmp/head"
    n=$(wc -c <"$tmp/head")
    printf "\\$(printf %03o $((n % 256)))\\$(printf %03o $((n / 256 % 256)))\\$(printf %03o $((n / 65536)))\0\0\0\0\0" >"$1"
    cat "$tmp/head" >>"$1"
    head -c $((12 * 8 * 2 * 2 * 128 * 384 + (11 / $2 + 1) * 2 * 1536 * 384)) /dev/zero >>"$1"
}
lora "$tmp/lora.safetensors" 2
lora "$tmp/more.safetensors" 12
for type in bf16 int8; do
    close lora_$type --model "$tmp/$type" -o "$tmp/film.y4m" --frames 9 --steps 2 --lora "$tmp/lora.safetensors"
done
close two_loras -o "$tmp/film.y4m" --frames 9 --steps 2 --type f32 \
    --lora "$tmp/more.safetensors,$tmp/lora.safetensors:0.5"
if have_media; then
    close lossless -o "$tmp/film.mp4" --lossless --steps 2
    close folder -o "$tmp/folder/" --steps 2 --frames 9
fi
