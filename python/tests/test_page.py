"""The blocks of docs/python.md, run in turn on the results that the page starts from."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / "python.md").read_text(), re.M | re.S)


def test_the_page_does_what_it_says(program, tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas")
    pytest.importorskip("torch").set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    for line in blocks("sh")[0].splitlines():
        program(*line.split()[1:])
    names = {}
    for block in blocks("python"):
        exec(compile(block, "docs/python.md", "exec"), names)
    assert {name.split()[0] for name, _ in names["curves"].columns} == {"relu", "rational"}
    assert names["inputs"].shape[1:] == names["task"].inputs.shape[1:]
    theirs = sum(names["right"]) / len(names["right"])
    # The same labels from the same weights: without Adam's old moments a little better or worse.
    assert abs(theirs - names["ours"]) < 0.1, (theirs, names["ours"])
    assert "online accuracy" in capsys.readouterr().out
