#!/bin/sh
# Makes replay_adam.csv and replay_sgd.csv: the run of replay.toml repeated in PyTorch from its exported
# stream and its first checkpoint. From the repository, with torch, numpy and safetensors for python3:
#   sh tests/reference/replay.sh
# PLASTICITY_BENCH and PYTHON name another program and another python3.
# Adam at 1e-4, not 1e-3: there the loss is chaotic, and PyTorch in f32 differs from itself in f64 by
# some per cent within 200 steps.
set -eu
here=tests/reference
work=$(mktemp -d)
bench() { ${PLASTICITY_BENCH:-cargo run --quiet --release --} "$@"; }
python=${PYTHON:-python3}
bench tasks export $here/replay.toml --seed 7 --out "$work/export"
replay() { # optimizer, learning rate
    bench run $here/replay.toml --out "$work/$1" --quiet --keep-checkpoints all
    $python $here/pytorch_replay.py --export "$work/export" --optimizer "$1" --learning-rate "$2" \
        --checkpoint "$(ls "$work/$1"/replay/*/checkpoints/task-0000.safetensors | head -n 1)" \
        --steps 200 --batch-size 16 --out $here/"replay_$1.csv"
}
replay adam 1e-4
replay sgd 3e-3
