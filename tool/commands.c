#include "commands.h"

#include "cmd.h"

/* clang-format off */
const struct command commands[] = {
    {"generate", cmd_generate, "a prompt becomes a film", "-p \"a red ball rolls\" -o ball.mp4",
     "--models=DIR --diffusion-model=FILE --high-noise-diffusion-model=FILE --t5xxl=FILE --vae=FILE "
     "--clip_vision=FILE --tokenizer=FILE -W=N -H=N --video-frames=N --cfg-scale=X --flow-shift=X "
     "--config=FILE --again=FILE --from-draft=FILE --prompts=FILE --skip-existing --preview=FILE --json -b=N "
     "--variants=N -v --verbose", ""},
    {"resume", cmd_resume, "go on with a film that was interrupted", "ball.mp4.job", "", "DIR"},
    {"live", cmd_live, "an endless scene, shown while it is drawn", "-p \"a coast\" -o - | ffplay -",
     "-o=- --output=- --for=SECONDS -p=TEXT", ""},
    {"world", cmd_world, "clips of the training world with captions and truth", "-n 4 -o clips",
     "--world=physics|story --list -n=N -o=DIR --seed=N --size=WxH --frames=N --fps=N -p=TEXT "
     "--format=mp4|y4m|png --captions --sheet=FILE --columns=N -y", ""},
    {"train", cmd_train, "train the networks that a config describes", "configs/tiny.json",
     "--out=DIR --until=reel|vae|upsamplers|latents|transformer|bundle --device=cpu|cuda "
     "--threads=N --resume=auto", "FILE"},
    {"measure", cmd_measure, "score films by what is seen in their pixels", "film.mp4",
     "--expect=WORDS --against=FILE --joins --at=LIST --camera --request=WORDS --prompts=FILE "
     "--count=N --columns=LIST --model=DIR --steps=N --guidance=X --guidance-from=X "
     "--guidance-to=X --sampler=S --shift=X --stagger=X --frames=N --size=WxH --type=T "
     "--device=cpu|cuda --threads=N --out=DIR --json --exchange --pictures --stories --press "
     "--velocity --first-frame --seed=N --fit=N", "FILE"},
    {"parity", cmd_parity, "compare networks with reference vectors", "DIR --type f32",
     "--type=f32|bf16|int8 --tol=X --device=cpu|cuda", "DIR"},
    {"info", cmd_info, "show a model, or the recipe of a film", "film.mp4",
     "--words --weights --devices --json", "FILE"},
    {"convert", cmd_convert, "a model once more, with smaller weights", "MODEL -o small",
     "-o=FILE --type=int8|bf16|f32|f16|q8_0|q5_1|q5_0|q4_1|q4_0 --weights=TYPE -y", "FILE"},
    {"doctor", cmd_doctor, "is a model whole, and what does it need", "MODEL",
     "--deep --quick --json", "FILE"},
    {"pull", cmd_pull, "the files of a model from a hub", "Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
     "--from=huggingface|modelscope --to=DIR --revision=R --files=PATTERN --all --list", ""},
    {"serve", cmd_serve, "a page and HTTP APIs that make films", "--listen 127.0.0.1:8700",
     "--config=FILE", ""},
    {"worker", cmd_worker, "draws the films of a server on another machine",
     "--server https://films.example",
     "--config=FILE", ""},
    {"config", cmd_config, "what holds before the command line, and from where", "--json",
     "--config=FILE --json", ""},
    {"completion", cmd_completion, "completions for a shell", "bash", "", "bash|zsh|fish"},
    {"bench", cmd_bench, "the speed of this machine", "train-s --json",
     "--steps=N --device=cpu|cuda --threads=N --json --type=f32|bf16|int8|q8_0|q4_0 --size=WxH "
     "--frames=N --layers=N --error --dry",
     "train-s|train-m|wan-block|wan-1.3b|wan-vae|wan-vae-2.2|wan-tiny|wan-tiny-2.2"},
};
/* clang-format on */
const int n_commands = sizeof commands / sizeof *commands;
