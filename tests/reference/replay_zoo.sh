#!/bin/sh
# Makes replay_kat.csv and replay_muon.csv (200 losses each) and replay_mixture.csv (loss and accuracy at the task's
# end, in evaluation): the runs of replay_zoo.toml and replay_muon.toml repeated, or evaluated, in PyTorch. From the
# repository, with torch, numpy and safetensors:
#   sh tests/reference/replay_zoo.sh
# PLASTICITY_BENCH and PYTHON name another program and another python3.
set -eu
here=tests/reference
work=$(mktemp -d)
bench() { ${PLASTICITY_BENCH:-cargo run --quiet --release --} "$@"; }
python=${PYTHON:-python3}
bench tasks export $here/replay_zoo.toml --seed 7 --out "$work/export"
bench run $here/replay_zoo.toml --out "$work/runs" --quiet --keep-checkpoints all
first() { ls "$work"/runs/replay-zoo/*"$1"*/checkpoints/"$2" | head -n 1; }
$python $here/pytorch_replay.py --export "$work/export" --activation kat --optimizer adam --learning-rate 1e-4 \
    --checkpoint "$(first kat task-0000.safetensors)" --steps 200 --batch-size 16 --out $here/replay_kat.csv
$python $here/mixture_evaluation.py --export "$work/export" \
    --checkpoint "$(first mixture task-0001.safetensors)" --out $here/replay_mixture.csv
bench tasks export $here/replay_muon.toml --seed 7 --out "$work/muon"
bench run $here/replay_muon.toml --out "$work/runs" --quiet --keep-checkpoints all
$python $here/pytorch_replay.py --export "$work/muon" --activation tanh --optimizer muon --learning-rate 2e-3 \
    --adam-learning-rate 1e-4 --weight-decay 0.1 \
    --checkpoint "$(ls "$work"/runs/replay-muon/*/checkpoints/task-0000.safetensors)" \
    --steps 200 --batch-size 16 --out $here/replay_muon.csv
