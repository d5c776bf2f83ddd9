"""Result folders as pandas frames."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Dict, Union

if TYPE_CHECKING:
    import pandas

def load(folder: Union[str, os.PathLike], diverged: bool = True) -> Dict[str, "pandas.DataFrame"]:
    """A frame for each kind of CSV (tasks, times, probes, ...) over all runs at any depth below `folder`.

    Every row names its run (column `run`). Settings that a run does not have are missing values.
    `diverged=False` leaves out the runs that diverged, in every frame: they are results, but not numbers to
    average.
    """
    import pandas

    folder = pathlib.Path(folder)
    runs = sorted(path.parent for path in folder.rglob("run.toml"))
    if not runs:
        raise FileNotFoundError(f"there is no run below {folder}: name a folder that `plasticity-bench run` wrote")
    frames = {}
    for kind in sorted({file.stem for run in runs for file in run.glob("*.csv")}):
        parts = []
        for run in runs:
            file = run / f"{kind}.csv"
            if file.is_file() and file.stat().st_size > 0:
                part = pandas.read_csv(file)
                if "run" not in part.columns:
                    part.insert(0, "run", run.name)
                parts.append(part)
        if parts:
            # Frames without a row would give their columns another type.
            full = [part for part in parts if len(part)] or parts[:1]
            frames[kind] = pandas.concat(full, ignore_index=True)
    if not diverged and "tasks" in frames:
        lost = set(frames["tasks"].loc[frames["tasks"]["status"] == "diverged", "run"])
        frames = {kind: frame[~frame["run"].isin(lost)] for kind, frame in frames.items()}
    return frames
