"""JAX: the same updates of SAC, all of a round in one jitted scan. jax_sac.py ACTIVATION BATCH"""

import math
import sys
from functools import partial

import jax
import jax.numpy as jnp

import dialogue
import problem

FEATURES, ACTIONS, HIDDEN, FILLED = 17, 6, 256, 10_000
GAMMA, TAU, RATE = 0.99, 0.005, 3e-4


def activate(x, c):
    if c is None:
        return jnp.maximum(x, 0)
    a, b, z = c[:6], jnp.abs(c[6:]), jnp.abs(x)
    top = ((((a[5] * x + a[4]) * x + a[3]) * x + a[2]) * x + a[1]) * x + a[0]
    return top / ((((b[3] * z + b[2]) * z + b[1]) * z + b[0]) * z + 1)


def network(key, inputs, outputs, rational):
    layers, last = [], inputs
    for width in (HIDDEN, HIDDEN, outputs):
        key, one, two = jax.random.split(key, 3)
        bound = last**-0.5
        layers.append(
            (jax.random.uniform(one, (last, width), minval=-bound, maxval=bound),
             jax.random.uniform(two, (width,), minval=-bound, maxval=bound))
        )  # fmt: skip
        last = width
    return layers, [jnp.array(problem.RATIONAL) if rational else None for _ in range(2)]


def apply(parameters, x):
    layers, coefficients = parameters
    for (weight, bias), c in zip(layers, coefficients):
        x = activate(x @ weight + bias, c)
    weight, bias = layers[-1]
    return x @ weight + bias


def adam(parameters, gradients, state):
    step, first, second = state
    step += 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    move = lambda p, m, v: p - RATE * (m / (1 - 0.9**step)) / (jnp.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return jax.tree.map(move, parameters, first, second), (step, first, second)


def draw(actor, states, key):
    mean, log_sigma = jnp.split(apply(actor, states), 2, axis=1)
    log_sigma = jnp.clip(log_sigma, -10, 2)
    noise = jax.random.normal(key, mean.shape)
    u = mean + jnp.exp(log_sigma) * noise
    normal = -0.5 * noise**2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return jnp.tanh(u), (normal - 2 * (math.log(2) - u - jax.nn.softplus(-2 * u))).sum(1)


def values(critics, states, actions):
    inputs = jnp.concatenate([states, actions], 1)
    return [apply(critic, inputs)[:, 0] for critic in critics]


def update(batch, buffer, carry, key):
    (actor, critics, targets, log_alpha), states = carry
    rows_key, next_key, key = jax.random.split(key, 3)
    rows = jax.random.randint(rows_key, (batch,), 0, FILLED)
    s, a, r, after = (x[rows] for x in buffer)
    alpha = jnp.exp(log_alpha)
    next_a, log_prob = draw(actor, after, next_key)
    y = r + GAMMA * (jnp.minimum(*values(targets, after, next_a)) - alpha * log_prob)
    of_critics = lambda critics: sum(((q - y) ** 2).mean() for q in values(critics, s, a))
    loss, gradients = jax.value_and_grad(of_critics)(critics)
    critics, states[1] = adam(critics, gradients, states[1])
    targets = jax.tree.map(lambda t, c: (1 - TAU) * t + TAU * c, targets, critics)

    def of_actor(actor):
        action, log_prob = draw(actor, s, key)
        return (alpha * log_prob - jnp.minimum(*values(critics, s, action))).mean(), -log_prob.mean()

    (_, entropy), gradients = jax.value_and_grad(of_actor, has_aux=True)(actor)
    actor, states[0] = adam(actor, gradients, states[0])
    gradient = jax.grad(lambda log_alpha: jnp.exp(log_alpha) * (entropy + ACTIONS / 2))(log_alpha)
    log_alpha, states[2] = adam(log_alpha, gradient, states[2])
    return ((actor, critics, targets, log_alpha), states), loss


class Contender:
    def __init__(self, rational, batch):
        self.rational, self.batch = rational, batch
        self.reset()
        body = partial(update, batch, self.buffer)
        self.scan = jax.jit(lambda carry, keys: jax.lax.scan(body, carry, keys))

    def reset(self):
        keys = jax.random.split(jax.random.key(0), 8)
        actor = network(keys[0], FEATURES, 2 * ACTIONS, self.rational)
        critics = [network(key, FEATURES + ACTIONS, 1, self.rational) for key in keys[1:3]]
        trained = (actor, critics, jnp.zeros(()))
        zeros = lambda tree: jax.tree.map(jnp.zeros_like, tree)
        self.carry = ((actor, critics, critics, trained[2]), [(0.0, zeros(tree), zeros(tree)) for tree in trained])
        normal = lambda key, width: jax.random.normal(key, (FILLED, width))
        self.buffer = (normal(keys[3], FEATURES), jnp.tanh(normal(keys[4], ACTIONS)))
        self.buffer += (jax.random.uniform(keys[5], (FILLED,)), normal(keys[6], FEATURES))

    def run(self, steps):
        self.carry, losses = self.scan(self.carry, jax.random.split(jax.random.key(1), steps))
        return jax.block_until_ready(losses)

    def warm(self, steps):
        # Each number of steps is a program of its own; it is compiled before the clock runs.
        for steps in {steps, max(steps // 10, 1)}:
            self.run(steps)


def main():
    activation, batch = sys.argv[1:]
    contender = Contender(activation != "relu", int(batch))
    dialogue.serve(f"jax {jax.__version__} scan", contender.reset, contender.run, warm=contender.warm)


if __name__ == "__main__":
    main()
