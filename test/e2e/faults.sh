# Every allocation of a film, a training and of opening what somebody has made fails once: test/faults. FAULTS=all (make faults)
# takes every way to an allocation
# twice and every 37th allocation, else it is a sample by a seed that is printed (FAULTS_SEED repeats it).
. test/e2e/lib.sh

faults=$BUILD/faults
if [ ! -x "$faults" ]; then
    not_ok faults "$faults is not built: make $faults"
    exit 1
fi
seed=${FAULTS_SEED:-$(($(date +%s) % 1000))}
fixture "$tmp/models/fixture"
mkdir "$tmp/runs"
echo "# FAULTS_SEED=$seed"
if [ "${FAULTS:-some}" = all ]; then
    "$faults" --keep 2 --seed "$seed" --jobs "$(nproc)" "$tmp/models/fixture" "$tmp/runs"
else
    "$faults" --seed "$seed" --jobs "$(nproc)" "$tmp/models/fixture" "$tmp/runs"
fi
