"""The problem that every contender trains on, written once: data, labels and start values."""

import numpy as np
from safetensors.numpy import load_file, save_file

EXAMPLES, PIXELS, CLASSES = 8192, 784, 10
HIDDEN = (256, 256)
LEARNING_RATE, BETAS, EPSILON = 1e-3, (0.9, 0.999), 1e-8

# Version A, degrees (5, 4), fitted to relu on [-3, 3]: the start values that
# ml-research/rational_activations publishes. a0 ... a5, then b1 ... b4.
RATIONAL = (
    0.029963801610813613, 0.6168978366891341, 2.37534759733888, 3.0659900472408443, 1.5246831881677423,
    0.2528070864040542, -1.191550121923625, 4.4080487697236626, 0.9110357113686055, 0.34884977946384615,
)  # fmt: skip


def write(path):
    """Uniform bytes, labels of a random linear teacher (so that there is something to learn), weights as
    torch.nn.Linear draws them."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (EXAMPLES, PIXELS), dtype=np.uint8)
    teacher = rng.standard_normal((PIXELS, CLASSES))
    labels = np.argmax((pixels / 127.5 - 1.0) @ teacher, axis=1).astype(np.uint32)
    tensors = {"pixels": pixels, "labels": labels}
    widths = (PIXELS, *HIDDEN, CLASSES)
    for layer, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        bound = fan_in**-0.5
        for name, shape in (("weight", (fan_out, fan_in)), ("bias", (fan_out,))):
            tensors[f"layers.{layer}.{name}"] = rng.uniform(-bound, bound, shape).astype(np.float32)
    for site in range(len(HIDDEN)):
        tensors[f"activations.{site}.coefficients"] = np.array([RATIONAL], dtype=np.float32)
    save_file(tensors, path)


def read(path):
    """Inputs (examples, pixels) in [-1, 1], labels, and the start values by name, all in numpy."""
    tensors = load_file(path)
    pixels, labels = tensors.pop("pixels"), tensors.pop("labels")
    inputs = (pixels.astype(np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    return inputs, labels.astype(np.int64), tensors
