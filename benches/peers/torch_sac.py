"""PyTorch, eager with fused Adam: updates of SAC as CleanRL writes them, in jaxrl's order. Two hidden layers
of 256, observation 17, actions 6. torch_sac.py ACTIVATION BATCH"""

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn

import dialogue
import problem
from torch_step import RATIONALS, quickest

FEATURES, ACTIONS, HIDDEN, FILLED = 17, 6, 256, 10_000
GAMMA, TAU, RATE = 0.99, 0.005, 3e-4


class Rational(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.form, self.coefficients = form, nn.Parameter(torch.tensor(problem.RATIONAL))

    def forward(self, x):
        return self.form(x, self.coefficients)


def network(inputs, outputs, rational):
    site = (lambda: Rational(rational)) if rational else nn.ReLU
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), site(), nn.Linear(HIDDEN, HIDDEN), site(), nn.Linear(HIDDEN, outputs)
    )


class Contender:
    def __init__(self, rational, batch):
        self.rational, self.batch = rational, batch
        self.reset()

    def reset(self):
        torch.manual_seed(0)
        self.actor = network(FEATURES, 2 * ACTIONS, self.rational)
        self.critics = [network(FEATURES + ACTIONS, 1, self.rational) for _ in range(2)]
        self.targets = [network(FEATURES + ACTIONS, 1, self.rational) for _ in range(2)]
        for target, critic in zip(self.targets, self.critics):
            target.load_state_dict(critic.state_dict())
        self.log_alpha = torch.zeros(1, requires_grad=True)
        critics = [p for critic in self.critics for p in critic.parameters()]
        self.optimizers = [
            torch.optim.Adam(parameters, lr=RATE, fused=True)
            for parameters in (self.actor.parameters(), critics, [self.log_alpha])
        ]
        self.buffer = [torch.randn(FILLED, FEATURES), torch.randn(FILLED, ACTIONS).tanh(), torch.rand(FILLED)]
        self.buffer.append(torch.randn(FILLED, FEATURES))

    def draw(self, states):
        mean, log_sigma = self.actor(states).chunk(2, dim=1)
        log_sigma = log_sigma.clamp(-10, 2)
        noise = torch.randn_like(mean)
        u = mean + log_sigma.exp() * noise
        normal = -0.5 * noise**2 - log_sigma - 0.5 * math.log(2 * math.pi)
        return u.tanh(), (normal - 2 * (math.log(2) - u - F.softplus(-2 * u))).sum(1)

    def values(self, critics, states, actions):
        inputs = torch.cat([states, actions], 1)
        return [critic(inputs).squeeze(1) for critic in critics]

    def update(self):
        rows = torch.randint(0, FILLED, (self.batch,))
        s, a, r, after = (values[rows] for values in self.buffer)
        with torch.no_grad():
            alpha = self.log_alpha.exp()
            next_a, log_prob = self.draw(after)
            y = r + GAMMA * (torch.minimum(*self.values(self.targets, after, next_a)) - alpha * log_prob)
        loss = sum(F.mse_loss(q, y) for q in self.values(self.critics, s, a))
        self.step(1, loss)
        with torch.no_grad():
            for target, critic in zip(self.targets, self.critics):
                torch._foreach_lerp_(list(target.parameters()), list(critic.parameters()), TAU)
        action, log_prob = self.draw(s)
        for critic in self.critics:
            critic.requires_grad_(False)
        self.step(0, (alpha * log_prob - torch.minimum(*self.values(self.critics, s, action))).mean())
        for critic in self.critics:
            critic.requires_grad_(True)
        self.step(2, (self.log_alpha.exp() * (-log_prob.detach().mean() + ACTIONS / 2)).sum())
        return loss.detach()

    def step(self, number, loss):
        self.optimizers[number].zero_grad()
        loss.backward()
        self.optimizers[number].step()

    def run(self, steps):
        return [self.update() for _ in range(steps)]


def main():
    activation, batch = sys.argv[1:]
    torch.set_num_threads(1)
    rationals = (None,) if activation == "relu" else RATIONALS
    contender = quickest([Contender(rational, int(batch)) for rational in rationals], steps=20)
    form = f", rational as {contender.rational.__name__}" if contender.rational else ""
    vectors = torch.backends.cpu.get_cpu_capability()
    dialogue.serve(f"torch {torch.__version__} ({vectors}){form}", contender.reset, contender.run)


if __name__ == "__main__":
    main()
