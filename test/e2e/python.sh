# python/zoetrope.py and the node of ComfyUI, by the system's own Python and nothing beside it.
. test/e2e/lib.sh

python=/usr/bin/python3
command -v $python >/dev/null || python=python3
if ! command -v $python >/dev/null; then
    echo "skip python: needs python3"
    exit 0
fi
case $BUILD in /*) build=$BUILD ;; *) build=$PWD/$BUILD ;; esac
fixture "$tmp/model"
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/python
if nm -D "$build/libzoetrope.so" 2>/dev/null | grep -q ' U __[at]san'; then
    echo "skip python: a library under sanitizers is not for Python"
    exit 0
fi
export ZOETROPE_LIBRARY=$build/libzoetrope.so
mkdir "$tmp/custom_nodes"
ln -s "$PWD/python/comfyui_zoetrope" "$tmp/custom_nodes/comfyui_zoetrope"
NODE_FOLDER=$tmp/custom_nodes/comfyui_zoetrope $python test/e2e/python/run.py "$tmp/model" "$tmp"

# As a program.
exits python_help 0 $python python/zoetrope.py --help
holds python_help_has_an_example "$tmp/out" "example: python3 zoetrope.py"
exits python_lists_options 0 $python python/zoetrope.py --list-options
holds python_options_have_words "$tmp/out" "sampling steps (1 to 1000; unsaid: the model's)"
ZOETROPE_LIBRARY=/nowhere.so exits python_without_the_library 4 $python python/zoetrope.py "a ball"
same python_without_the_library_is_one_line "$(grep -c . "$tmp/err") $(grep -c 'make. builds it' "$tmp/err")" "1 1"
exits python_wrong_option 2 $python python/zoetrope.py "a ball" -m "$tmp/model" --set steps=none
holds python_wrong_option_is_named "$tmp/err" 'steps "none" is not allowed: 1 to 1000'
exits python_film 0 $python python/zoetrope.py "a red ball" -m "$tmp/model" -o "$tmp/c.y4m" --set steps=1 frames=5 size=48x32
holds python_film_is_said "$tmp/err" "5 pictures 48x32"
grep -q "$(printf '[\r\033]')" "$tmp/err" && not_ok python_writes_plain_lines "$(cat "$tmp/err")" || ok python_writes_plain_lines
exits python_stops_at_a_film_that_exists 4 $python python/zoetrope.py "a ball" -m "$tmp/model" -o "$tmp/c.y4m" \
    --set steps=1 frames=5 size=48x32
