"""Writes restarts.csv: sixteen steps of torch's Adam on a matrix of three rows and four columns, of which rows and
columns are restarted on the way.

Every element is a torch parameter of its own, so that it has a step count of its own; a restart takes the element's
state from the optimiser, after which torch begins it anew. The loss is ½ Σ c (x - t)². Only torch is needed (made with
torch 2.15, foreach off, float32).

A row: step (from 1), what restarted before it ("row 1 column 2"), the gradients and the values after the step, row by
row. Step 0 has the start.
"""

import pathlib

import torch

ROWS, COLUMNS = 3, 4
# Before step: rows and columns.
RESTARTS = {4: ([1], []), 6: ([], [2]), 9: ([1], [0]), 10: ([0], []), 14: ([], [2, 3])}

index = torch.arange(ROWS * COLUMNS, dtype=torch.float32)
curvature = 0.2 + (index * 0.37) % 1.9
target = torch.sin(index)
elements = [torch.nn.Parameter((2 * torch.cos(i)).clone()) for i in index]
optimizer = torch.optim.Adam(elements, lr=0.05, foreach=False)


def numbers(values):
    return " ".join(str(v.detach().numpy()) for v in values)


with open(pathlib.Path(__file__).with_suffix(".csv"), "w") as file:
    file.write(f"# made by restarts.py\nstep,restarted,gradients,values\n0,,,{numbers(elements)}\n")
    for step in range(1, 17):
        rows, columns = RESTARTS.get(step, ([], []))
        for i, element in enumerate(elements):
            if i // COLUMNS in rows or i % COLUMNS in columns:
                optimizer.state.pop(element)
            element.grad = curvature[i] * (element.detach() - target[i])
        gradients = numbers([element.grad for element in elements])
        optimizer.step()
        words = [f"row {row}" for row in rows] + [f"column {column}" for column in columns]
        file.write(f"{step},{' '.join(words)},{gradients},{numbers(elements)}\n")
