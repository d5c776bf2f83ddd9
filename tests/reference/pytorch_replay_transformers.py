"""Trains transformers in PyTorch on an exported task from the checkpoints of runs, and writes the loss of every step,
and the loss over the task's examples after the last one.

    plasticity-bench tasks export SPEC.toml --seed 0 --tasks 0..1 --out EXPORT
    plasticity-bench run SPEC.toml --out OUT --keep-checkpoints all --log-steps
    python pytorch_replay_transformers.py --export EXPORT --out losses.csv OUT/NAME/*/

Every run is trained twice, in float32 and in float64. What is printed for it: how far its own losses (steps.csv) are
from the float32 ones, and these from the float64 ones, which is what rounding alone does. The file holds the float64
losses.

The network and the batches are those of the Python module plasticity_bench, which is written from the definitions and
torch alone (its conv2d, layer_norm, scaled_dot_product_attention, gelu). Of an exported text every place is asked for
the character behind it, the last one for the label.
"""

from pytorch_replay_steps import main

if __name__ == "__main__":
    main(__doc__.splitlines()[0], "vit", "pool")
