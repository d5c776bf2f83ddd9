"""MNIST's files for the replicas in these folders, plain or gzipped."""

import gzip
from pathlib import Path

import numpy
import torch


def read(folder, name):
    """The numbers of the file whose name starts so, in its own shape, as bytes."""
    path = next(Path(folder).rglob(name + "*"))
    content = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    axes = content[3]
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * axes).reshape(shape)


def labels(folder, name):
    return torch.tensor(read(folder, name).astype(numpy.int64))
