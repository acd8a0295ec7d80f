# A run that is killed at any moment and resumed gives the same curve, to the bit, as one that was not.
. test/e2e/lib.sh

config=configs/tiny.json
run=$tmp/run whole=$tmp/whole

exits "train_runs_to_the_end" 0 "$ZOETROPE" train $config --out "$whole"
[ -f "$whole/model/model_index.json" ] && ok "train_a_model_is_left" || not_ok "train_a_model_is_left" "no model_index.json"

# kill -9 after so many rows of a curve, which stands while they are counted: no machine may be done before. The rest of a
# stage may already be behind its checkpoint.
kill_at() { # STAGE ROWS CONFIG
    "$ZOETROPE" train "$3" --out "$run" --resume auto >"$tmp/out" 2>&1 &
    pid=$!
    while kill -STOP $pid 2>/dev/null; do
        n=$(cat "$run/curve-$1.jsonl" 2>/dev/null | wc -l)
        [ "$n" -ge "$2" ] && break
        kill -CONT $pid
        sleep 0.01
    done
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    same "train_is_killed_at_$1_$2" $? 137
}
for at in vae:7 upsampler:3 dit:11 dit:38; do
    kill_at "${at%:*}" "${at#*:}" $config
done
exits "train_a_killed_run_goes_on" 0 "$ZOETROPE" train $config --out "$run" --resume auto
for stage in vae upsampler dit; do
    same "train_curve_of_${stage}_is_the_same" "$(cksum <"$run/curve-$stage.jsonl")" "$(cksum <"$whole/curve-$stage.jsonl")"
done
for part in transformer text_encoder vae upsampler; do
    same "train_weights_of_${part}_are_the_same" "$(cat "$run/model/$part"/*.safetensors | cksum)" \
        "$(cat "$whole/model/$part"/*.safetensors | cksum)"
done

# The same where the pool of clips grows by the step: at the second kill the file is ahead of the checkpoint, then it is made
# shorter than the checkpoint needs.
sed 's/"latent_clips": 24/"latent_clips": 24, "latent_growth": 0.7/' $config >"$tmp/grow.json"
run=$tmp/grow whole=$tmp/grow-whole
exits "train_with_growth_runs_to_the_end" 0 "$ZOETROPE" train "$tmp/grow.json" --out "$whole"
holds "train_with_growth_says_how_long_it_waited" "$tmp/err" "65 clips in the pool"
for rows in 11 38; do
    kill_at dit "$rows" "$tmp/grow.json"
done
truncate -s $(($(stat -c %s "$run/latents.bin") * 2 / 3)) "$run/latents.bin"
exits "train_with_growth_goes_on" 0 "$ZOETROPE" train "$tmp/grow.json" --out "$run" --resume auto
for file in curve-dit.jsonl latents.bin; do
    same "train_with_growth_has_the_same_$file" "$(cksum <"$run/$file")" "$(cksum <"$whole/$file")"
done
same "train_with_growth_has_the_same_weights" "$(cat "$run"/model/t*/*.safetensors | cksum)" \
    "$(cat "$whole"/model/t*/*.safetensors | cksum)"

run=$tmp/run
exits "train_a_finished_run_is_refused_without_resume" 4 "$ZOETROPE" train $config --out "$run"
# So many steps that it cannot be done before it is stopped.
sed 's/{"steps": 30/{"steps": 1000000/' $config >"$tmp/long.json"
"$ZOETROPE" train "$tmp/long.json" --out "$tmp/stopped" >"$tmp/out" 2>&1 &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -s "$tmp/stopped/curve-dit.jsonl" ]; do sleep 0.02; done
kill -TERM $pid
wait $pid
same "train_sigterm_leaves_a_checkpoint_and_exits_130" "$?" 130

sed 's/"steps": 20/"stepz": 20/' $config >"$tmp/wrong.json"
exits "train_an_unknown_field_is_refused" 3 "$ZOETROPE" train "$tmp/wrong.json" --out "$tmp/none"
holds "train_with_the_nearest_name" "$tmp/err" steps
sed 's/"windows": 4/"windows": 0/' $config >"$tmp/wrong.json"
exits "train_a_value_out_of_range_is_refused" 3 "$ZOETROPE" train "$tmp/wrong.json" --out "$tmp/none"
holds "train_with_its_name" "$tmp/err" windows
exits "train_an_unknown_option_is_a_usage_error" 2 "$ZOETROPE" train $config --frobnicate 1
