"""Writes clipping.csv: twelve steps of torch's SGD with momentum and of its Adam on a matrix and a vector whose gradients
are clipped together by torch.nn.utils.clip_grad_norm_.

The loss is s ½ Σ c (x - t)² with another s at every step, so that some steps are clipped and others are not. Only torch is
needed (made with torch 2.15, foreach off, float32).

A row: optimiser, step (from 1), norm of the gradients as torch returned it, gradients before they were clipped, and values
after the step, the matrix row by row and then the vector. Step 0 has the start.
"""

import pathlib

import torch

SHAPES = [(3, 4), (3,)]
MAX_NORM = 1.5
OPTIMIZERS = {
    "sgd": lambda of: torch.optim.SGD(of, lr=0.3, momentum=0.9, weight_decay=0.01, foreach=False),
    "adam": lambda of: torch.optim.Adam(of, lr=0.05, foreach=False),
}


def numbers(tensors):
    return " ".join(str(x) for tensor in tensors for x in tensor.detach().flatten().numpy())


with open(pathlib.Path(__file__).with_suffix(".csv"), "w") as file:
    file.write("# made by clipping.py\noptimizer,step,norm,gradients,values\n")
    for name, build in OPTIMIZERS.items():
        index = [torch.arange(torch.Size(shape).numel(), dtype=torch.float32).view(shape) for shape in SHAPES]
        parameters = [torch.nn.Parameter(2 * torch.cos(i)) for i in index]
        optimizer = build(parameters)
        file.write(f"{name},0,,,{numbers(parameters)}\n")
        for step in range(1, 13):
            scale = [1.0, 0.2, 3.0][step % 3]
            for i, parameter in zip(index, parameters):
                curvature = 0.2 + (i * 0.37) % 1.9
                parameter.grad = scale * curvature * (parameter.detach() - torch.sin(i))
            gradients = numbers([parameter.grad for parameter in parameters])
            norm = torch.nn.utils.clip_grad_norm_(parameters, MAX_NORM, foreach=False)
            optimizer.step()
            file.write(f"{name},{step},{norm.item()},{gradients},{numbers(parameters)}\n")
