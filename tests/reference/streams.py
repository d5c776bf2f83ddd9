"""The draws behind task streams, from their description alone: ChaCha8 (RFC 8439's block function with
8 rounds, 64-bit counter) seeded by SHA-256, Lemire's bounded integers, Fisher-Yates. Prints the values
that src/tasks/tests.rs holds: 200 examples in order with labels 0..9 repeating, 42 pixels, seed 0.
Standard library only.
"""

import hashlib
import struct

MASK = 0xFFFFFFFF


def quarter(s, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & MASK
        mixed = s[z] ^ s[x]
        s[z] = ((mixed << turn) | (mixed >> (32 - turn))) & MASK


def words(seed, name, index):
    key = hashlib.sha256(b"plasticity-bench stream 1\0" + struct.pack("<QQ", seed, index) + name.encode()).digest()
    counter = 0
    while True:
        start = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key))
        start += [counter & MASK, counter >> 32, 0, 0]
        s = start.copy()
        for _ in range(4):
            for column in range(4):
                quarter(s, column, 4 + column, 8 + column, 12 + column)
            for i in range(4):
                quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
        yield from ((x + y) & MASK for x, y in zip(s, start))
        counter += 1


class Stream:
    def __init__(self, seed, name, index):
        self.words = words(seed, name, index)

    def below(self, bound):
        while True:
            low, high = next(self.words), next(self.words)
            product = (high << 32 | low) * bound
            if product % 2**64 >= (2**64 - bound) % bound:
                return product >> 64

    def shuffle(self, items):
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
        return items

    def draw(self, n, count):
        items = list(range(n))
        for place in range(count):
            other = place + self.below(n - place)
            items[place], items[other] = items[other], items[place]
        return items[:count]


if __name__ == "__main__":
    labels = [i % 10 for i in range(200)]
    names = Stream(0, "tasks", 3).shuffle(list(range(10)))
    batches = Stream(0, "batches", 3 << 32 | 1).shuffle(list(range(200)))
    random = Stream(0, "tasks", 3)
    for title, values in {
        "shuffled-labels": Stream(0, "tasks", 3).shuffle(labels.copy()),
        "random-labels": [random.below(10) for _ in range(8)],
        "remapped-classes": [names[label] for label in labels],
        "permuted-pixels": Stream(0, "tasks", 3).shuffle(list(range(42))),
        "probes": Stream(0, "probes", 0).draw(200, 8),
        "data": Stream(0, "data", 0).draw(200, 8),
        "batches": batches[16:],  # step 14 at 13 steps an epoch: the second batch of epoch 1
    }.items():
        print(f"{values[:8]}, // {title}")
