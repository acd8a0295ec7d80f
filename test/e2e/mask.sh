# A part of a film or of a picture is drawn anew, or what lies around it; the rest is the same file's bytes.
. test/e2e/lib.sh

fixture "$tmp/model"
cd "$tmp" || exit 1
zt() { "$ZOETROPE" generate -m "$tmp/model" -p "a red ball" --steps 2 --seed 4 --job no "$@"; }
printf 'P6 2 1 255\n\0\0\0\377\377\377' >right.ppm
printf 'P6 1 1 255\n\0\0\0' >black.ppm

exits picture 0 zt --frames 1 --size native -o a.ppm
exits picture_masked 0 zt --from a.ppm --mask right.ppm --seed 5 -o b.ppm
# Rows of 48 px: bytes of the left half are those of the picture, of the right half most are not.
half() { tail -c 4608 "$1" | od -An -v -tu1 -w144 | cut -c "$2" | sha256sum; }
same left_half_stays "$(half b.ppm 1-288)" "$(half a.ppm 1-288)"
if [ "$(half b.ppm 289-)" = "$(half a.ppm 289-)" ]; then not_ok right_half_changes "it does not"; else ok right_half_changes; fi

exits film 0 zt --frames 17 --size native -o a.y4m
exits widened 0 zt --from a.y4m --outpaint 2:1 --seed 5 -o wide.y4m --json
hash=$(grep -o '"frame_hash": "[0-9a-f]*"' out | tail -n 1)
same widened_has_that_shape "$(head -c 40 wide.y4m | grep -ao 'W[0-9]* H[0-9]*' | head -n 1)" "W64 H32"
exits widened_again 0 "$ZOETROPE" generate -m "$tmp/model" --again wide.y4m --from a.y4m -o again.y4m --json
same widened_again_is_the_same "$(grep -o '"frame_hash": "[0-9a-f]*"' out | tail -n 1)" "$hash"
exits again_wants_the_film 2 "$ZOETROPE" generate -m "$tmp/model" --again wide.y4m -o again.y4m -y
holds again_names_the_film err "give it with from"

exits black_mask 2 zt --from a.y4m --mask black.ppm -o x.y4m
holds black_mask_is_said err "it is black"
exits scaled_mask 0 zt --from a.y4m --mask right.ppm -o x.y4m
holds scaled_mask_is_said err "the mask of 2x1 is scaled to the 48x32 of the film"
exits mask_of_nothing 2 zt --mask right.ppm -o y.y4m
holds mask_of_nothing_says_so err "give it with from"
exits no_shape 2 zt --from a.y4m --outpaint 16:x -o y.y4m
holds no_shape_says_what_is_allowed err "LEFT,RIGHT,TOP,BOTTOM"
