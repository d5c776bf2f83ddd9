"""PyTorch eager, images by channels_last, fused Adam. torch_conv.py PROBLEM NETWORK ACTIVATION"""

import sys

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import cross_entropy, gelu, max_pool2d, relu, scaled_dot_product_attention

import dialogue
from torch_step import RATIONALS, quickest


class Site(nn.Module):
    """One activation, with coefficients of its own where it is rational."""

    def __init__(self, rational, fixed=relu):
        super().__init__()
        self.rational, self.fixed = rational, fixed
        if rational:
            self.coefficients = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        return self.rational(x, self.coefficients) if self.rational else self.fixed(x)


class Cnn(nn.Module):
    """conv, activation, max-pooling over 2 × 2; linear layers."""

    def __init__(self, start, rational):
        super().__init__()
        weights = [start[f"layers.{i}.weight"] for i in range(sum(n.endswith(".weight") for n in start))]
        convolution = lambda w: nn.Conv2d(w.shape[1], w.shape[0], w.shape[2], padding=w.shape[2] // 2)
        self.layers = nn.ModuleList(
            convolution(w) if w.dim() == 4 else nn.Linear(w.shape[1], w.shape[0]) for w in weights
        )
        self.activations = nn.ModuleList(Site(rational) for _ in weights[1:])

    def forward(self, x):
        for layer, activation in zip(self.layers, self.activations):
            if isinstance(layer, nn.Conv2d):
                x = max_pool2d(activation(layer(x)), 2)
            else:
                x = activation(layer(x.flatten(1)))
        return self.layers[-1](x)


class Block(nn.Module):
    def __init__(self, channels, outputs, stride, site):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or channels != outputs:
            convolution = nn.Conv2d(channels, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(outputs))
        self.sites = site(), site()

    def forward(self, x):
        y = self.sites[0](self.bn1(self.conv1(x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.sites[1](self.bn2(self.conv2(y)) + shortcut)


class ResNet(nn.Module):
    """With torchvision's names, a 3 × 3 stem and no pooling behind it."""

    def __init__(self, start, rational):
        super().__init__()
        self.activations = nn.ModuleList()

        def site():
            self.activations.append(Site(rational))
            return self.activations[-1]

        width = start["conv1.weight"].shape[0]
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        site()
        channels = width
        for stage in range(4):
            outputs = width << stage
            blocks = [Block(channels, outputs, 1 + (stage > 0), site), Block(outputs, outputs, 1, site)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
            channels = outputs
        self.fc = nn.Linear(channels, start["fc.weight"].shape[0])

    def forward(self, x):
        x = self.activations[0](self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Attention(nn.Module):
    """With q, k and v from one product, as most code has it."""

    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width, hidden, site):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.site = site

    def forward(self, x):
        return self.fc2(self.site(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, width, hidden, site, heads, causal):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.mlp = Attention(width, heads, causal), Mlp(width, hidden, site)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    """What both have, with timm's names."""

    def __init__(self, start, rational, heads, causal):
        super().__init__()
        width, hidden = start["blocks.0.mlp.fc1.weight"].shape[::-1]
        blocks = sum(name.endswith("fc1.weight") for name in start)
        self.activations = nn.ModuleList(Site(rational, gelu) for _ in range(blocks))
        self.blocks = nn.ModuleList(Layer(width, hidden, site, heads, causal) for site in self.activations)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, start["head.weight"].shape[0])


class Vit(Transformer):
    """Of three heads, as DeiT's smallest has."""

    def __init__(self, start, rational):
        super().__init__(start, rational, 3, False)
        width, patch = self.head.in_features, start["patch_embed.proj.weight"].shape[-1]
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch)})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(start["pos_embed"].shape))

    def forward(self, x):
        x = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 0]))


class Gpt(Transformer):
    """Of four heads, as nanoGPT's for a small computer, without dropout; characters come as numbers."""

    def __init__(self, start, rational):
        super().__init__(start, rational, 4, True)
        self.wte, self.wpe = nn.Embedding(*start["wte.weight"].shape), nn.Embedding(*start["wpe.weight"].shape)

    def forward(self, x):
        x = self.wte(x) + self.wpe.weight
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).flatten(0, 1)


def fused(start):
    """The suite's q, k and v as one layer, and each activation's coefficients where both names lead."""
    joined = {name: t for name, t in start.items() if not any(f".attn.{part}." in name for part in "qkv")}
    for name in [name for name in start if ".attn.q." in name]:
        joined[name.replace(".q.", ".qkv.")] = torch.cat([start[name.replace(".q.", f".{part}.")] for part in "qkv"])
    for name in [name for name in start if "coefficients" in name]:
        joined[name.replace("activations.", "blocks.").replace(".coeff", ".mlp.site.coeff")] = start[name]
    return joined


class Contender:
    def __init__(self, path, kind, rational):
        tensors = load_file(path)
        self.inputs = tensors.pop("inputs").contiguous(memory_format=torch.channels_last)
        self.labels = tensors.pop("labels").long()
        self.start = {name: t.flatten() if "coefficients" in name else t for name, t in tensors.items()}
        self.rational = rational
        if kind in ("vit", "gpt"):
            self.start = fused(self.start)
        if kind == "gpt":
            self.inputs = self.inputs.flatten(1).long()
        self.network = {"cnn": Cnn, "resnet18": ResNet, "vit": Vit, "gpt": Gpt}[kind](self.start, rational)
        self.network = self.network.to(memory_format=torch.channels_last)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=1e-3, fused=True)

    def reset(self):
        missing = self.network.load_state_dict(self.start, strict=False)
        assert not missing.unexpected_keys and all("running" in k or "num_batches" in k for k in missing.missing_keys)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
        for state in self.adam.state.values():
            for value in state.values():
                value.zero_()

    def run(self, steps):
        losses = []
        for _ in range(steps):
            loss = cross_entropy(self.network(self.inputs), self.labels)
            self.adam.zero_grad()
            loss.backward()
            self.adam.step()
            losses.append(loss.item())
        return losses


def main():
    path, kind, activation = sys.argv[1:]
    torch.set_num_threads(1)
    rationals = (None,) if activation in ("relu", "gelu") else RATIONALS
    contender = quickest([Contender(path, kind, rational) for rational in rationals], steps=3)
    form = f", rational as {contender.rational.__name__}" if contender.rational else ""
    vectors = torch.backends.cpu.get_cpu_capability()
    dialogue.serve(f"torch {torch.__version__} ({vectors}){form}", contender.reset, contender.run)


main()
