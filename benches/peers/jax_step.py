"""JAX: a jitted step, a jitted lax.scan over steps, and that under vmap over 8 seeds, each with its own
order of the data. jax_step.py KIND PROBLEM ACTIVATION BATCH"""

import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import dialogue
import problem

SEEDS = 8


def horner(x, c):
    a, b, z = c[:6], jnp.abs(c[6:]), jnp.abs(x)
    top = ((((a[5] * x + a[4]) * x + a[3]) * x + a[2]) * x + a[1]) * x + a[0]
    return top / ((((b[3] * z + b[2]) * z + b[1]) * z + b[0]) * z + 1)


def loss(parameters, x, labels):
    layers, coefficients = parameters
    for i, (weight, bias) in enumerate(layers[:-1]):
        x = x @ weight.T + bias
        x = horner(x, coefficients[i]) if coefficients else jax.nn.relu(x)
    weight, bias = layers[-1]
    logits = jax.nn.log_softmax(x @ weight.T + bias)
    return -jnp.mean(jnp.take_along_axis(logits, labels[:, None], axis=1))


def step(state, x, labels):
    """Adam as Kingma & Ba write it."""
    parameters, m, v, t = state
    value, gradients = jax.value_and_grad(loss)(parameters, x, labels)
    (b1, b2), t = problem.BETAS, t + 1
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, gradients)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, gradients)
    rate, root = problem.LEARNING_RATE / (1 - b1**t), (1 - b2**t) ** -0.5
    update = lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + problem.EPSILON)
    return (jax.tree.map(update, parameters, m, v), m, v, t), value


def at_row(state, row, inputs, labels, batch):
    x = jax.lax.dynamic_slice_in_dim(inputs, row, batch)
    return step(state, x, jax.lax.dynamic_slice_in_dim(labels, row, batch))


class Contender:
    def __init__(self, kind, path, activation, batch, seeds=SEEDS):
        inputs, labels, start = problem.read(path)
        self.inputs, self.labels = jnp.asarray(inputs), jnp.asarray(labels, dtype=jnp.int32)
        layers = [(start[f"layers.{i}.weight"], start[f"layers.{i}.bias"]) for i in range(len(problem.HIDDEN) + 1)]
        sites = range(len(problem.HIDDEN)) if activation == "rational" else ()
        self.start = (layers, [start[f"activations.{i}.coefficients"][0] for i in sites])
        self.kind, self.batch, self.seeds = kind, batch, seeds
        one = partial(at_row, batch=batch)
        scan = lambda state, rows, x, y: jax.lax.scan(lambda s, row: one(s, row, x, y), state, rows)
        self.step = jax.jit(one, donate_argnums=0)
        self.scan = jax.jit(scan, donate_argnums=0)
        self.vmap = jax.jit(jax.vmap(scan, in_axes=(0, 0, None, None)), donate_argnums=0)
        rng = np.random.default_rng(1)
        fixed = np.arange(0, problem.EXAMPLES, batch, dtype=np.int32)
        self.orders = [fixed] + [rng.permutation(fixed) for _ in range(seeds - 1)]
        self.compiled = set()

    def reset(self):
        parameters = jax.tree.map(jnp.asarray, self.start)
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        state = (parameters, zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), jnp.float32))
        if self.kind == "vmap":
            state = jax.tree.map(lambda x: jnp.stack([x] * self.seeds), state)
        self.state, self.at = jax.tree.map(jnp.array, state), 0

    def rows(self, order, steps):
        return np.take(order, np.arange(self.at, self.at + steps), mode="wrap")

    def run(self, steps):
        if self.kind == "jit":
            losses = []
            for row in self.rows(self.orders[0], steps):
                self.state, value = self.step(self.state, row, self.inputs, self.labels)
                losses.append(value)
        elif self.kind == "scan":
            rows = jnp.asarray(self.rows(self.orders[0], steps))
            self.state, losses = self.scan(self.state, rows, self.inputs, self.labels)
        else:
            rows = jnp.asarray(np.stack([self.rows(order, steps) for order in self.orders]))
            self.state, losses = self.vmap(self.state, rows, self.inputs, self.labels)
            losses = losses[0]
        self.at += steps
        jax.block_until_ready((self.state, losses))
        return losses

    def warm(self, steps):
        """Compiles for this number of steps, which a scan's program is for."""
        if steps not in self.compiled:
            self.reset()
            self.run(steps)
            self.compiled.add(steps)


def main():
    kind, path, activation, batch = sys.argv[1:]
    contender = Contender(kind, path, activation, int(batch))
    seeds = SEEDS if kind == "vmap" else 1
    dialogue.serve(f"jax {jax.__version__}", contender.reset, contender.run, seeds, contender.warm)


if __name__ == "__main__":
    main()
