#!/usr/bin/env bash
# leap-large in a quarter of an hour of a large GPU, by commands of ten minutes or less.
#
#   benchmarks/gpu_quarter_hour.sh PHOTOS TEACHER RUN OUT MINUTES [SETTING...]
#
# PHOTOS   a folder of clean photos; all are decoded once, into the memory of the device
# TEACHER  a file of weights of the upscaler that answers on the device, Real-ESRGAN x4plus say
# RUN      the folder of the run, with its states; the next command goes on with it if it is still there
# OUT      what to carry away: the model's small files, its weights in parts of 15 MiB, the log
# MINUTES  of wall time, after which the run saves and stops (9, then 4)
# SETTING  further words for `leapsr distill`, such as --set batch=64; --from MODEL begins with a model
#
# OUT is renewed each minute, so that a command that is cut off leaves the newest saved model there:
#   cd OUT && cat weights.* > model.safetensors && sha256sum -c SHA256SUMS
# The weights of LPIPS (SqueezeNet) must be found by TORCH_HOME or LEAPSR_WEIGHTS. Compiled code is kept beside RUN.
#
# The rehearsal, on a CPU in two minutes:
#   benchmarks/gpu_quarter_hour.sh PHOTOS TEACHER run out 1 --cpu --set network.widths=[12,16] \
#       --set network.blocks=[1,1] --set batch=4 --set data.group=4 --set data.crop=96 --set minutes=1.5
set -u
if [ $# -lt 5 ]; then sed -n '2,20p' "$0"; exit 2; fi
photos=$1 teacher=$2 run=$3 out=$4 minutes=$5
shift 5
mkdir -p "$run" "$out" || exit 1
export TORCHINDUCTOR_CACHE_DIR=${TORCHINDUCTOR_CACHE_DIR:-$(realpath "$run").compiled}

# The newest model: its parts are written beside and renamed.
carry() {
    [ -f "$run/model/model.safetensors" ] && [ "$run/model/model.safetensors" -nt "$out/weights.aa" ] || return 0
    rm -rf "$out.part" && mkdir "$out.part" || return 1
    split -b 15M "$run/model/model.safetensors" "$out.part/weights." &&
        (cd "$run/model" && sha256sum model.safetensors) > "$out.part/SHA256SUMS" &&
        cp "$run/model/config.json" "$out.part/" && cp "$run/config.json" "$out.part/run.json" || return 1
    [ ! -f "$run/log.jsonl" ] || cp "$run/log.jsonl" "$out.part/"
    mv -f "$out.part"/* "$out/" && rmdir "$out.part"
}

python -m leapsr distill dial_large "$photos" --teacher "$teacher" -o "$run" --resume auto --max-minutes "$minutes" "$@" &
training=$!
trap 'kill -TERM $training 2>/dev/null' TERM INT
while kill -0 $training 2>/dev/null; do
    for _ in $(seq 60); do kill -0 $training 2>/dev/null || break; sleep 1; done
    carry
done
wait $training
code=$?
carry && ls -l "$out"
exit $code
