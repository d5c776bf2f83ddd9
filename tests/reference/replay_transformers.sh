#!/bin/sh
# Makes replay_transformers.csv: the runs of replay_vit.toml and replay_gpt.toml repeated in PyTorch from their exported
# streams and first checkpoints. From the repository, with torch, numpy and safetensors for python3:
#   sh tests/reference/replay_transformers.sh
# PLASTICITY_BENCH and PYTHON name another program and another python3.
set -eu
here=tests/reference
work=$(mktemp -d)
bench() { ${PLASTICITY_BENCH:-cargo run --quiet --release --} "$@"; }
python=${PYTHON:-python3}
for kind in vit gpt; do
    bench tasks export $here/replay_$kind.toml --seed 7 --out "$work/export-$kind"
    bench run $here/replay_$kind.toml --out "$work" --quiet --keep-checkpoints all --log-steps
    $python $here/pytorch_replay_transformers.py --export "$work/export-$kind" --out "$work/$kind.csv" \
        "$work"/replay-$kind/*/
done
(cat "$work/vit.csv"; tail -n +2 "$work/gpt.csv") > $here/replay_transformers.csv
