#!/bin/sh
# Makes replay_conv.csv: the runs of replay_conv.toml repeated in PyTorch from their exported stream and
# first checkpoints. From the repository, with torch, numpy and safetensors for python3:
#   sh tests/reference/replay_conv.sh
# PLASTICITY_BENCH and PYTHON name another program and another python3.
set -eu
here=tests/reference
work=$(mktemp -d)
bench() { ${PLASTICITY_BENCH:-cargo run --quiet --release --} "$@"; }
python=${PYTHON:-python3}
bench tasks export $here/replay_conv.toml --seed 7 --out "$work/export"
bench run $here/replay_conv.toml --out "$work" --quiet --keep-checkpoints all --log-steps
$python $here/pytorch_replay_conv.py --export "$work/export" --out $here/replay_conv.csv "$work"/replay-conv/*/
