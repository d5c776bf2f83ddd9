"""Writes scaling.csv: every pixel byte as torchvision's ToTensor and Normalize scale it.

Only torch is needed: ToTensor is `.to(float32).div(255)` and Normalize `.sub_(mean).div_(std)` with
float32 constants. numpy's float32 gives the same and is asserted to. Made with torch 2.15.
"""

import pathlib

import numpy as np
import torch

MEAN = (0.5071, 0.4865, 0.4409)  # CIFAR-100
STD = (0.2673, 0.2564, 0.2762)

byte = torch.arange(256, dtype=torch.uint8)
unit = byte.to(torch.float32).div(255)
columns = [unit]
for mean, std in [(0.5, 0.5), *zip(MEAN, STD)]:
    mean, std = torch.tensor(mean, dtype=torch.float32), torch.tensor(std, dtype=torch.float32)
    columns.append(unit.clone().sub_(mean).div_(std))
    by_numpy = (np.arange(256).astype(np.float32) / np.float32(255) - mean.numpy()) / std.numpy()
    assert (columns[-1].numpy() == by_numpy).all() and by_numpy.dtype == np.float32

with open(pathlib.Path(__file__).with_suffix(".csv"), "w") as file:
    file.write("# made by scaling.py\nbyte,unit,symmetric,red,green,blue\n")
    for i in range(256):
        cells = (np.format_float_positional(c.numpy()[i], unique=True) for c in columns)
        file.write(f"{i},{','.join(cells)}\n")
