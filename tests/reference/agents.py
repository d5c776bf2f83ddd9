"""200 updates of SAC and of DQN in PyTorch, from the same start, batches and noise as the project's.

    pip install numpy torch
    python tests/reference/agents.py

writes agents_{sac,dqn}_{relu,rational}.csv beside itself. The project's random streams are repeated in
streams.py, so start values, batches and noise need no file.
Networks have two hidden layers of 16; everything else is written out below.
"""

import csv
import math
import pathlib

import torch
import torch.nn.functional as F

from streams import words

SEED, UPDATES, BATCH, FEATURES, ACTIONS, HIDDEN = 7, 200, 32, 3, 2, 16
GAMMA, TAU, RATE = 0.99, 0.005, 3e-4
# Start of every rational: R(x) = P(x)/(1 + sum |b_k x^k|).
NUMERATOR = [0.02, 0.5, 1.1, 0.6, 0.1, 0.01]
DENOMINATOR = [0.3, 0.9, 0.2, 0.05]


class Stream:
    """A number of 64 bits is two words, low first."""

    def __init__(self, seed, name, number):
        self.words = words(seed, name, number)

    def bits(self):
        low, high = next(self.words), next(self.words)
        return low | high << 32

    def uniform(self, low, high):
        return low + (high - low) * ((self.bits() >> 11) * 2.0**-53)

    def normal(self):
        while True:
            x, y = self.uniform(-1, 1), self.uniform(-1, 1)
            square = x * x + y * y
            if 0 < square < 1:
                return x * math.sqrt(-2 * math.log(square) / square)


def tensor(values, *shape):
    return torch.tensor(values, dtype=torch.float64).to(torch.float32).reshape(shape)


def uniforms(stream, low, high, *shape):
    return tensor([stream.uniform(low, high) for _ in range(math.prod(shape))], *shape)


def normals(stream, *shape):
    return tensor([stream.normal() for _ in range(math.prod(shape))], *shape)


class Rational(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(NUMERATOR))
        self.b = torch.nn.Parameter(torch.tensor(DENOMINATOR))

    def forward(self, x):
        numerator = sum(a * x**i for i, a in enumerate(self.a))
        return numerator / (1 + sum((b * x ** (k + 1)).abs() for k, b in enumerate(self.b)))


def network(inputs, outputs, activation, number):
    """torch.nn.Linear's default start, drawn from the project's stream: layer by layer, weight first."""
    stream, layers, last = Stream(SEED, "init", number), [], inputs
    for width in (HIDDEN, HIDDEN, outputs):
        linear, bound = torch.nn.Linear(last, width), 1 / math.sqrt(last)
        with torch.no_grad():
            linear.weight.copy_(uniforms(stream, -bound, bound, width, last))
            linear.bias.copy_(uniforms(stream, -bound, bound, width))
        layers += [linear, torch.nn.ReLU() if activation == "relu" else Rational()]
        last = width
    return torch.nn.Sequential(*layers[:-1])


def copy(net, make):
    other = make()
    other.load_state_dict(net.state_dict())
    return other


def follow(target, net, tau):
    with torch.no_grad():
        for own, other in zip(target.parameters(), net.parameters()):
            own.mul_(1 - tau).add_(tau * other)


def batch(stream, discrete):
    """Observation, action, reward, next observation, continues: uniform, one array after the other."""
    s = uniforms(stream, -1, 1, BATCH, FEATURES)
    a = uniforms(stream, 0, ACTIONS, BATCH).floor() if discrete else uniforms(stream, -1, 1, BATCH, ACTIONS)
    r = uniforms(stream, -1, 1, BATCH)
    after = uniforms(stream, -1, 1, BATCH, FEATURES)
    goes_on = (uniforms(stream, 0, 1, BATCH) < 0.9).float()
    return s, a, r, after, goes_on


def draw(actor, states, noise):
    """tanh-Gaussian, log sigma clipped to [-10, 2]."""
    mean, log_sigma = actor(states).chunk(2, dim=1)
    log_sigma = log_sigma.clamp(-10, 2)
    u = mean + log_sigma.exp() * noise
    normal = -0.5 * noise**2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return u.tanh(), (normal - 2 * (math.log(2) - u - F.softplus(-2 * u))).sum(1)


def sac(activation):
    """Critics, targets, actor, temperature: jaxrl's order and values."""
    makers = [
        lambda: network(FEATURES, 2 * ACTIONS, activation, 0),
        lambda: network(FEATURES + ACTIONS, 1, activation, 1),
        lambda: network(FEATURES + ACTIONS, 1, activation, 2),
    ]
    actor, *critics = [make() for make in makers]
    targets = [copy(critic, make) for critic, make in zip(critics, makers[1:])]
    log_alpha = torch.zeros(1, requires_grad=True)
    optimizers = [torch.optim.Adam(net.parameters(), lr=RATE) for net in (actor, *critics)]
    alpha_optimizer = torch.optim.Adam([log_alpha], lr=RATE)
    batches, noises, rows = Stream(SEED, "test", 0), Stream(SEED, "updates", 0), []
    for _ in range(UPDATES):
        s, a, r, after, goes_on = batch(batches, False)
        alpha = log_alpha.exp().item()
        with torch.no_grad():
            next_a, next_log_prob = draw(actor, after, normals(noises, BATCH, ACTIONS))
            q = torch.minimum(*[t(torch.cat([after, next_a], 1)).squeeze(1) for t in targets])
            y = r + GAMMA * goes_on * (q - alpha * next_log_prob)
        losses, means = [], []
        for critic, optimizer in zip(critics, optimizers[1:]):
            q = critic(torch.cat([s, a], 1)).squeeze(1)
            loss = ((q - y) ** 2).mean()
            losses.append(loss.item())
            means.append(q.mean().item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for target, critic in zip(targets, critics):
            follow(target, critic, TAU)
        action, log_prob = draw(actor, s, normals(noises, BATCH, ACTIONS))
        q = torch.minimum(*[critic(torch.cat([s, action], 1)).squeeze(1) for critic in critics])
        actor_loss = (alpha * log_prob - q).mean()
        optimizers[0].zero_grad()
        actor_loss.backward()
        optimizers[0].step()
        entropy = -log_prob.mean().item()
        alpha_loss = (log_alpha.exp() * (entropy + ACTIONS / 2)).sum()
        alpha_optimizer.zero_grad()
        alpha_loss.backward()
        alpha_optimizer.step()
        rows.append([sum(losses), actor_loss.item(), alpha_loss.item(), sum(means) / 2, entropy, log_alpha.exp().item()])
    return ["critic", "actor", "temperature_loss", "q_mean", "entropy", "temperature"], rows


def dqn(activation):
    """Double DQN with Huber's loss, its target copied after every tenth update."""
    def make():
        return network(FEATURES, ACTIONS, activation, 0)

    net = make()
    target, optimizer = copy(net, make), torch.optim.Adam(net.parameters(), lr=RATE)
    batches, rows = Stream(SEED, "test", 0), []
    for step in range(UPDATES):
        s, a, r, after, goes_on = batch(batches, True)
        with torch.no_grad():
            best = net(after).argmax(1)
            y = r + GAMMA * goes_on * target(after).gather(1, best[:, None]).squeeze(1)
        q = net(s).gather(1, a.long()[:, None]).squeeze(1)
        loss = F.smooth_l1_loss(q, y)
        rows.append([loss.item(), q.mean().item()])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            follow(target, net, 1.0)
    return ["critic", "q_mean"], rows


torch.manual_seed(0)
torch.set_num_threads(1)
for name, agent in (("sac", sac), ("dqn", dqn)):
    for activation in ("relu", "rational"):
        header, rows = agent(activation)
        path = pathlib.Path(__file__).with_name(f"agents_{name}_{activation}.csv")
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["update", *header])
            writer.writerows([step, *(f"{value:.8g}" for value in row)] for step, row in enumerate(rows))
