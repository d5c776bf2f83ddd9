"""Makes conv.csv: values and gradients of convolutions in PyTorch, float64. python3 conv.py > conv.csv

Inputs, filters, biases and the loss's coefficients are whole numbers over 16, so that a test has the same
ones exactly: number i of an array is ((a·i + b) mod 31 - 15)/16, with its own a and b. The loss is
Σ c·y. Images are (batch, channels, height, width) here, and so are the rows of the file.
"""

import torch
from torch.nn import functional as F

# batch, channels, height, width; outputs, filter rows and columns; stride, padding; relu; pooling (size, stride).
CASES = [
    ((2, 3, 6, 5), (4, 3, 3), (1, 1), False, None),
    ((1, 2, 7, 8), (3, 3, 3), (2, 1), False, None),
    ((2, 4, 4, 3), (5, 1, 1), (1, 0), True, None),
    ((2, 3, 5, 5), (4, 1, 1), (2, 0), False, None),
    ((1, 2, 7, 5), (3, 5, 5), (1, 2), True, None),
    ((1, 17, 5, 4), (2, 3, 3), (1, 1), True, None),
    ((1, 3, 5, 6), (2, 2, 3), (3, 2), False, None),
    ((2, 2, 7, 9), (3, 3, 3), (1, 1), True, (2, 2)),
    ((1, 2, 8, 8), (3, 3, 3), (1, 0), False, (3, 2)),
]


def numbers(shape, a, b):
    values = torch.arange(torch.Size(shape).numel()) * a + b
    return ((values % 31 - 15).double() / 16).reshape(shape)


def main():
    print("batch,channels,height,width,outputs,rows,columns,stride,padding,relu,pool,pool_stride,what,values")
    for images, (outputs, rows, columns), (stride, padding), relu, pool in CASES:
        x = numbers(images, 7, 3).requires_grad_()
        w = numbers((outputs, images[1], rows, columns), 11, 5).requires_grad_()
        b = numbers((outputs,), 13, 2).requires_grad_()
        y = F.conv2d(x, w, b, stride, padding)
        y = F.relu(y) if relu else y
        y = F.max_pool2d(y, *pool) if pool else y
        (y * numbers(y.shape, 17, 1)).sum().backward()
        case = [*images, outputs, rows, columns, stride, padding, int(relu), *(pool or (0, 0))]
        for what, values in (("y", y), ("dx", x.grad), ("dw", w.grad), ("db", b.grad)):
            # Multiples of 1/4096: fifteen digits are exact.
            text = " ".join(f"{v:.15g}" for v in values.flatten().tolist())
            print(*case, what, text, sep=",")


main()
