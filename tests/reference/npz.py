"""Writes npz/: archives as numpy makes them, in the manner of Downsampled ImageNet, for src/data/imagenet32.rs.

Run here: python npz.py (numpy 2)
"""

import pathlib

import numpy

folder = pathlib.Path(__file__).with_name("npz")
folder.mkdir(exist_ok=True)
pixels = (numpy.arange(7 * 18) * 7 % 256).astype(numpy.uint8).reshape(7, 18)
numpy.savez(folder / "stored.npz", data=pixels[:3], labels=numpy.array([3, 1, 2]), mean=numpy.zeros(18))
numpy.savez_compressed(folder / "deflated.npz", data=pixels[3:5], labels=numpy.array([2, 2], dtype=numpy.int32))
numpy.savez(folder / "test.npz", labels=numpy.array([1, 3], dtype=numpy.uint8), data=pixels[5:])
