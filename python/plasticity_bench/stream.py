"""The stream of tasks that `plasticity-bench tasks export` writes, as torch tensors and batches."""

from __future__ import annotations

import csv
import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Tuple, Union

if TYPE_CHECKING:
    import torch


def _rows(path: pathlib.Path, *columns: str) -> Iterator[Tuple[int, ...]]:
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            yield tuple(int(row[column]) for column in columns)


@dataclasses.dataclass
class Task:
    """One task: what it trains on and, where there is one, its test set."""

    index: int
    #: (examples, channels, height, width), scaled, float32; of texts (examples, 1, 1, length), characters by number
    inputs: "torch.Tensor"
    #: (examples), int64; -1 where an example is not of this task. Of texts (examples, length): the character behind
    #: each
    labels: "torch.Tensor"
    test_inputs: Optional["torch.Tensor"]
    test_labels: Optional["torch.Tensor"]
    #: Rows of `inputs` of every step, in the order in which the suite serves them.
    order: List[List[int]]
    #: (top, left, mirrored) for each example of each step, with augmentation
    crops: Optional[List[List[Tuple[int, int, int]]]]
    #: A channel's value of a black pixel
    black: List[float]

    def batches(self) -> Iterator[Tuple["torch.Tensor", "torch.Tensor"]]:
        """(inputs, labels) of every step, exactly those of the suite."""
        for step, rows in enumerate(self.order):
            inputs = self.inputs[rows]
            if self.crops is not None:
                inputs = self._cropped(inputs, self.crops[step])
            yield inputs, self.labels[rows]

    def loader(self) -> "torch.utils.data.DataLoader":
        """The same as a DataLoader."""
        import torch

        class Served(torch.utils.data.IterableDataset):
            def __iter__(served):
                return self.batches()

        return torch.utils.data.DataLoader(Served(), batch_size=None)

    def _cropped(self, inputs, crops):
        import torch

        black = torch.tensor(self.black, dtype=inputs.dtype).reshape(1, -1, 1, 1)
        height, width = inputs.shape[2:]
        padded = black.expand(len(inputs), -1, height + 8, width + 8).clone()
        padded[:, :, 4 : 4 + height, 4 : 4 + width] = inputs
        parts = []
        for image, (top, left, mirrored) in zip(padded, crops):
            part = image[:, top : top + height, left : left + width]
            parts.append(part.flip(-1) if mirrored else part)
        return torch.stack(parts)


class Stream:
    """An exported stream: `stream[i]` is its task number i."""

    def __init__(self, folder: Union[str, os.PathLike]):
        from safetensors import safe_open

        self.folder = pathlib.Path(folder)
        with safe_open(self.folder / "inputs.safetensors", "pt") as file:
            #: name, family, dataset, scaling, seed, classes, batch_size
            self.metadata: Dict[str, str] = dict(file.metadata() or {})
            self._inputs = file.get_tensor("inputs")
            self._test = file.get_tensor("test_inputs") if "test_inputs" in file.keys() else None
        self.batch_size = int(self.metadata["batch_size"])
        self.tasks: List[int] = sorted({task for (task,) in _rows(self.folder / "order.csv", "task")})

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return (self[index] for index in self.tasks)

    def __getitem__(self, index: int) -> Task:
        if index not in self.tasks:
            raise IndexError(f"the export in {self.folder} has the tasks {self.tasks}, not {index}")
        inputs, test = self._inputs, self._test
        moved = self.folder / "permutations.csv"
        if moved.exists():
            source = {p: s for task, p, s in _rows(moved, "task", "position", "source") if task == index}
            order = [source[position] for position in range(len(source))]
            inputs, test = (None if x is None else x.flatten(2)[:, :, order].reshape(x.shape) for x in (inputs, test))
        shown = self._alphabet(index)
        if shown is not None:
            inputs, test = (None if x is None else shown[x.long()] for x in (inputs, test))
        epochs: Dict[int, List[Tuple[int, int]]] = {}
        for task, epoch, position, row in _rows(self.folder / "order.csv", "task", "epoch", "position", "index"):
            if task == index:
                epochs.setdefault(epoch, []).append((position, row))
        return Task(
            index=index,
            inputs=inputs,
            labels=self._labels("labels.csv", index, inputs, shown is not None),
            test_inputs=test,
            test_labels=None if test is None else self._labels("test_labels.csv", index, test, shown is not None),
            order=self._cut({epoch: [row for _, row in sorted(rows)] for epoch, rows in epochs.items()}),
            crops=self._crops(index),
            black=[float(x) for x in self.metadata.get("black", "").replace(",", " ").split()],
        )

    def _cut(self, epochs):
        size = self.batch_size
        return [rows[i : i + size] for _, rows in sorted(epochs.items()) for i in range(0, len(rows), size)]

    def _alphabet(self, index):
        """The number that each character is shown as, in a stream of texts."""
        import torch

        path = self.folder / "alphabets.csv"
        if not path.exists():
            return None
        shown = {c: s for task, c, s in _rows(path, "task", "character", "shown") if task == index}
        return torch.tensor([float(shown[character]) for character in range(len(shown))])

    def _labels(self, name, index, inputs, text):
        import torch

        labels = torch.full((len(inputs),), -1)
        path = self.folder / name
        if path.exists():
            for task, row, label in _rows(path, "task", "index", "label"):
                if task == index:
                    labels[row] = label
        if text:
            # Every place is asked for the character behind it; the last one's is the label.
            return torch.cat([inputs.flatten(1)[:, 1:].long(), labels[:, None]], 1)
        return labels

    def _crops(self, index):
        path = self.folder / "crops.csv"
        if not path.exists():
            return None
        epochs: Dict[int, List[Tuple[int, Tuple[int, int, int]]]] = {}
        for task, epoch, position, *crop in _rows(path, "task", "epoch", "position", "top", "left", "mirrored"):
            if task == index:
                epochs.setdefault(epoch, []).append((position, tuple(crop)))
        return self._cut({epoch: [crop for _, crop in sorted(crops)] for epoch, crops in epochs.items()})


def stream(folder: Union[str, os.PathLike]) -> Stream:
    """The stream that `plasticity-bench tasks export SPEC.toml --seed S --out FOLDER` wrote."""
    return Stream(folder)
