"""Two heads of two rows in PyTorch, as parameters of their own: one without a gradient takes no step.

python tests/reference/heads.py > tests/reference/heads.csv
"""
import torch

USED = [[0], [0], [1], [0, 1], [1], [0]]
OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=1e-2, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-2, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-2, momentum=0.9, weight_decay=0.1),
    # A head is no hidden matrix: muon hands it to AdamW, at a rate of its own.
    "muon": lambda p: torch.optim.AdamW(p, lr=2e-2, betas=(0.9, 0.95), eps=1e-10, weight_decay=0.1),
}
print(f"# torch {torch.__version__}: value i starts at 0.1 i - 0.5, its gradient at step s is sin(i + 3 s)")
print("optimizer,step," + ",".join(f"v{i}" for i in range(12)))
for name, make in OPTIMIZERS.items():
    start = torch.arange(12, dtype=torch.float32) * 0.1 - 0.5
    heads = [torch.nn.Parameter(half.clone()) for half in start.split(6)]
    optimizer = make(heads)
    for step, used in enumerate(USED):
        optimizer.zero_grad(set_to_none=True)
        for head in used:
            i = torch.arange(6, dtype=torch.float64) + 6 * head
            heads[head].grad = torch.sin(i + 3 * step).float()
        optimizer.step()
        values = torch.cat([head.detach() for head in heads]).tolist()
        print(",".join([name, str(step), *(repr(v) for v in values)]))
