"""Values and gradients of rational activations by PyTorch's autograd in f64, for tests/rational.

    python tests/reference/rational_torch.py > tests/reference/rational_torch.csv

A row: version, degrees, coefficients (a then b), x, y, dy/dx, dy/d(coefficients). Points where a sign is
0 are left out: PyTorch takes sgn(0) = 0 there, this project +1.
"""

import torch

torch.manual_seed(20240607)
torch.set_default_dtype(torch.float64)


def rational(version, a, b, x):
    p = sum(a[i] * x**i for i in range(len(a)))
    if version == "A":
        q = 1 + sum(b[k].abs() * x.abs() ** (k + 1) for k in range(len(b)))
    elif version in "BD":
        q = 1 + sum(b[k] * x ** (k + 1) for k in range(len(b))).abs()
    elif version == "C":
        q = 0.1 + sum(b[k] * x**k for k in range(len(b))).abs()
    else:
        q = 1 + sum(b[k] * x ** (k + 1) for k in range(len(b)))
    return p / q


print(f"# torch {torch.__version__}, f64, autograd")
print("version,m,n,numbers")
for version in "ABCN":
    for m, n in [(5, 4), (3, 2), (4, 4), (7, 6), (9, 8)]:
        for x in [-6.0, -2.5, -0.7, 0.3, 1.9, 40.0]:
            a = torch.randn(m + 1, requires_grad=True)
            b = torch.randn(n + (version == "C"), requires_grad=True)
            x = torch.tensor(x, requires_grad=True)
            y = rational(version, a, b, x)
            grads = torch.autograd.grad(y, [x, a, b])
            row = [*a.tolist(), *b.tolist(), x.item(), y.item(), grads[0].item()]
            row += [*grads[1].tolist(), *grads[2].tolist()]
            print(f"{version},{m},{n}," + " ".join(repr(v) for v in row))
