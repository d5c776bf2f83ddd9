#!/bin/sh
# Makes replay_conv.csv: the runs of replay_conv.toml repeated in PyTorch from their exported stream and
# first checkpoints. From the repository, with torch, numpy and safetensors for python3:
#   sh tests/reference/replay_conv.sh
set -eu
here=tests/reference
work=$(mktemp -d)
bench() { cargo run --quiet --release -- "$@"; }
bench tasks export $here/replay_conv.toml --seed 7 --out "$work/export"
bench run $here/replay_conv.toml --out "$work" --quiet --keep-checkpoints all --log-steps
python3 $here/pytorch_replay_conv.py --export "$work/export" --out $here/replay_conv.csv "$work"/replay-conv/*/
