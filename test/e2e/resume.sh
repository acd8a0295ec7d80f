# Films whose process is killed at random moments, as often as ZT_KILL_ROUNDS says (12), go on and are the same to the
# bit; what is wrong with a job is said by name. The seed of the moments is printed (ZT_KILL_SEED repeats it).
. test/e2e/lib.sh

rounds=${ZT_KILL_ROUNDS:-12}
RANDOM=${ZT_KILL_SEED:-$(($(date +%s) % 30000))}
echo "# ZT_KILL_SEED=${ZT_KILL_SEED:-$RANDOM}"
fixture "$tmp/model"
film=y4m
have_media && film=mp4
cd "$tmp" || exit 1
job=film.$film.job
words=(generate -m "$tmp/model" -p "a red ball" --seed 4 --threads 1)

# killed NAME SHARE OPTIONS...: films until a share of all rounds was killed.
killed() {
    name=$1 want=$((rounds * $2 / 100 + 1)) kills=0 bad=
    shift 2
    "$ZOETROPE" "${words[@]}" "$@" -o "whole.$film" -y >out 2>err || bad="the whole film failed: $(tail -n 1 err)"
    sum=$(sha256sum <"whole.$film")
    while [ -z "$bad" ] && [ $kills -lt $want ]; do
        rm -rf "film.$film" film.part.* "$job"
        run=("${words[@]}" "$@" -o "film.$film" -y)
        while :; do
            "$ZOETROPE" "${run[@]}" >out 2>err </dev/null &
            pid=$!
            sleep "$(printf '0.%03d' $((RANDOM % 900 + 50)))"
            [ $kills -lt $want ] && kill -9 $pid 2>/dev/null
            wait $pid 2>/dev/null
            status=$?
            [ $status -eq 137 ] || break
            kills=$((kills + 1))
            [ -f "$job/job.json" ] && run=(resume "$job")
        done
        [ $status -eq 0 ] || bad="status $status after $kills kills: $(tail -n 1 err)"
        [ -n "$bad" ] || [ "$(sha256sum <"film.$film")" = "$sum" ] || bad="another film after $kills kills"
        [ -n "$bad" ] || [ ! -e "$job" ] || bad="the job is left"
    done
    if [ -z "$bad" ]; then ok "$name"; else not_ok "$name" "$bad"; fi
}

cat >shots.json <<'END'
[{"prompt": "a red ball", "seconds": 9}, {"prompt": "a blue box", "seconds": 9, "join": "flow"}, {"prompt": "a cone", "seconds": 9, "join": "cut"}]
END
"$ZOETROPE" "${words[@]}" --seconds 5 --steps 1 -o masked.y4m -y >out 2>err || not_ok masked "$(tail -n 1 err)"
printf 'P6 2 1 255\n\0\0\0\377\377\377' >mask.ppm
{
    killed killed_windows 30 --seconds 40 --steps 10
    killed killed_steps_of_unipc 30 --seconds 5 --steps 150 --sampler unipc
    killed killed_shots 20 --shots shots.json --steps 16
    killed killed_mask 10 --from masked.y4m --mask mask.ppm --steps 30
    killed killed_loop_with_cache 20 --seconds 20 --steps 16 --loop --cache easy
} 2>/dev/null # of the shell: who was killed

# --- stopped by hand
rm -rf "film.$film" "$job"
"$ZOETROPE" "${words[@]}" --seconds 5 --steps 200 -o "film.$film" >out 2>err </dev/null &
pid=$!
slow_down $pid
until_true 60 test -s "$job/step"
kill -TERM $pid
let_go $pid
wait $pid
same stopped_is_130 $? 130
holds stopped_says_how_to_go_on err "to go on: zoetrope resume $job"
exits resume_lists_jobs 0 "$ZOETROPE" resume
holds resume_names_the_film out "$job: film.$film"
exits another_seed_is_refused 2 "$ZOETROPE" "${words[@]}" --seconds 5 --steps 200 --seed 5 -o "film.$film"
holds another_seed_is_named err 'seed "4"'
exits another_film_of_the_job 2 "$ZOETROPE" resume "$job" --steps 199
holds another_film_is_named err 'steps "200"'
mkdir other
cp -r "$job" other/copy
cd other || exit 1
exits goes_on_in_another_folder 0 "$ZOETROPE" resume copy -o "here.$film"
exits whole_film_without_a_break 0 "$ZOETROPE" "${words[@]}" --seconds 5 --steps 200 -o "whole.$film" -y
same goes_on_to_the_same_bits "$(sha256sum <"here.$film")" "$(sha256sum <"whole.$film")"
cd "$tmp" || exit 1
cp -r "$job" moved.job
exits goes_on_to_another_place 0 "$ZOETROPE" resume moved.job -o "other/there.$film"
same the_part_of_before_is_gone "$(ls film.part.* other/*.part.* 2>/dev/null)" ""
mkdir renamed
cp -r "$job" renamed/film.job
sed 's/"output": "/"output": "gone\//' "$job/job.json" >renamed/film.job/job.json
exits film_goes_beside_its_job 0 "$ZOETROPE" resume renamed/film.job
holds film_beside_its_job_is_said err "gone is not here"
same film_beside_its_job_is_the_same "$(sha256sum <"renamed/film.$film")" "$(sha256sum <"other/whole.$film")"
sed 's/"recipe": "/"recipe": "{/' "$job/job.json" >head && cp head "$job/job.json"
exits damaged_head 3 "$ZOETROPE" resume "$job"
holds damaged_head_is_named err "film.$film.job"
exits no_job 4 "$ZOETROPE" resume nothing.job
mkdir empty.job
exits empty_job 4 "$ZOETROPE" resume empty.job
holds empty_job_says_what_is_missing err "job.json"
exits not_kept 0 "$ZOETROPE" "${words[@]}" --seconds 1 --steps 1 --job no -o "none.$film"
exits kept_where_it_is_said 0 "$ZOETROPE" "${words[@]}" --seconds 30 --steps 10 --job kept -o "said.$film"
same folder_goes_when_the_film_is_whole "$(ls -d kept 2>/dev/null)" ""
