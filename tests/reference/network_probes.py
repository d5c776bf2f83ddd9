"""Writes network_probes.csv: Hessian, tangent kernel and gradients of a small network by PyTorch in float64.

Weights, inputs and labels are the recipes of probes.py, so that src/probes/tests/network.rs builds the same.
Made with torch 2.15, numpy 2.4. Nothing here is a finite difference.
"""

import pathlib

import numpy as np
import torch

from probes import uniform

torch.set_default_dtype(torch.float64)
SIZES, EXAMPLES = [6, 5, 4, 3], 24

shapes = [s for i, o in zip(SIZES, SIZES[1:]) for s in ((o, i), (o,))]
parts = [
    torch.tensor(uniform(40 + p, s[0], s[1] if len(s) == 2 else 1, 12) * (2.0 if len(s) == 2 else 0.5)).reshape(s)
    for p, s in enumerate(shapes)
]
theta = torch.cat([p.flatten() for p in parts])
inputs = torch.tensor(uniform(60, EXAMPLES, SIZES[0], 12))
labels = torch.tensor([(i * 7 + i // 5) % SIZES[-1] for i in range(EXAMPLES)])


def outputs(theta, x):
    at = 0
    for number, (i, o) in enumerate(zip(SIZES, SIZES[1:])):
        w, at = theta[at : at + o * i].reshape(o, i), at + o * i
        b, at = theta[at : at + o], at + o
        x = x @ w.T + b
        if number + 2 < len(SIZES):
            x = torch.tanh(x)
    return x


def loss(theta, x=inputs, y=labels):
    return torch.nn.functional.cross_entropy(outputs(theta, x), y)


hessian = torch.autograd.functional.hessian(loss, theta).numpy()
eigenvalues = np.linalg.eigvalsh((hessian + hessian.T) / 2)
gradient = torch.autograd.functional.jacobian(loss, theta).numpy()
singles = np.stack(
    [
        torch.autograd.functional.jacobian(lambda t, i=i: loss(t, inputs[i : i + 1], labels[i : i + 1]), theta).numpy()
        for i in range(EXAMPLES)
    ]
)
jacobian = torch.autograd.functional.jacobian(lambda t: outputs(t, inputs), theta).numpy()  # (n, outputs, values)
kernel = np.einsum("icp,jcp->ij", jacobian, jacobian)
spectrum = np.clip(np.linalg.eigvalsh(kernel), 0.0, None)
shares = spectrum / spectrum.sum()

rows = [("loss", 0, float(loss(theta))), ("gradient_square", 0, float(gradient @ gradient))]
rows += [("hessian_eigenvalue", i, value) for i, value in enumerate(eigenvalues)]
rows += [("hessian_row", i, value) for i, value in enumerate(hessian[7])]
rows += [("kernel_eigenvalue", i, value) for i, value in enumerate(spectrum)]
rows += [("ntk_rank", 0, float(np.exp(-np.sum(shares[shares > 0] * np.log(shares[shares > 0])))))]
rows += [
    ("ntk_rank_numerical", 0, int(np.linalg.matrix_rank(kernel, hermitian=True, tol=np.finfo(np.float32).eps * spectrum.max() * EXAMPLES)))
]
rows += [("product", i, value) for i, value in enumerate((singles @ singles.T).flatten())]
text = "# written by network_probes.py\nquantity,index,value\n"
text += "".join(f"{name},{index},{value!r}\n" for name, index, value in ((n, i, float(v)) for n, i, v in rows))
pathlib.Path(__file__).with_suffix(".csv").write_text(text)
