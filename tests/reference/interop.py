"""Whether other programs read what `report` writes (pip install pandas pyarrow tensorboard setuptools<81).

    interop.py write                    writes events.hex: records by TensorBoard's own writer
    interop.py read TABLE.csv TABLE.parquet EVENTS
                                        reads ours back and compares all three, number for number
"""

import io
import pathlib
import sys

CASES = [("task/online_accuracy", 0, 0.25), ("probe_end/srank/activations.0", 49, 98.0),
         ("step/loss", 1_499_999, -1.5e-3), ("x" * 200, 128, 3.0)]


def write():
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    lines = []
    for tag, step, value in CASES:
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        event = Event(wall_time=float(step), step=step, summary=summary)
        file = io.BytesIO()
        RecordWriter(file).write(event.SerializeToString())
        lines.append(f"{tag} {step} {value} {file.getvalue().hex()}\n")
    pathlib.Path(__file__).with_name("events.hex").write_text("".join(lines))


def read(csv, parquet, events):
    import numpy as np
    import pandas as pd
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    table = pd.read_csv(csv, float_precision="round_trip", dtype={"step": "Int64", "phase": "string", "layer": "string"})
    other = pd.read_parquet(parquet)
    assert list(table.columns) == list(other.columns), other.columns
    assert len(table) == len(other) > 0
    for name in table.columns:
        mine, theirs = table[name], other[name]
        assert (mine.isna() == theirs.isna()).all(), name
        assert (mine.dropna().to_numpy() == theirs.dropna().to_numpy()).all(), name
    scalars = 0
    for (benchmark, run), rows in table.groupby(["benchmark", "run"]):
        folders = list(pathlib.Path(events).glob(f"*/{run}"))
        assert len(folders) == 1, (benchmark, run, folders)
        read = EventAccumulator(str(folders[0]), size_guidance={"scalars": 0}).Reload()
        found = {tag: [event.value for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
        rows = rows.assign(kind=rows.kind + ("_" + rows.phase).fillna(""))
        rows = rows.assign(tag=rows.kind + "/" + rows.quantity + ("/" + rows.layer).fillna(""))
        for tag, values in rows.groupby("tag", sort=False).value:
            assert found.pop(tag) == values.astype(np.float32).tolist(), (run, tag)
            scalars += len(values)
        assert not found, found
    print(f"{len(table)} rows and {scalars} scalars are the same in all three")


if __name__ == "__main__":
    write() if sys.argv[1] == "write" else read(*sys.argv[2:])
