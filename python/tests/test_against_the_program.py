"""The module against the program itself: a run and its export are made, and the network is trained on from its
checkpoint in torch."""

import pathlib

import pytest

import plasticity_bench as pb

REPLAY = pathlib.Path(__file__).parents[2] / "tests" / "reference" / "replay.toml"


@pytest.fixture(scope="module")
def made(program, tmp_path_factory):
    out = tmp_path_factory.mktemp("made")
    program("run", REPLAY, "--out", out / "results", "--quiet", "--keep-checkpoints", "all", "--log-steps")
    program("tasks", "export", REPLAY, "--seed", "7", "--out", out / "export")
    return out


def test_every_csv_is_a_frame(made):
    frames = pb.load(made / "results")
    # With its settings behind the name where they vary.
    assert set(frames["tasks"]["optimizer"].str.split().str[0]) == {"adam", "sgd"}
    assert len(frames["steps"]) == 2 * 200
    assert frames["probes"]["run"].nunique() == 2
    assert len(pb.load(made / "results", diverged=False)["tasks"]) == len(frames["tasks"])
    with pytest.raises(FileNotFoundError, match="there is no run"):
        pb.load(made / "export")


@pytest.mark.parametrize("name, rate", [("adam", 1e-4), ("sgd", 3e-3)])
def test_training_goes_on_as_in_the_program(made, name, rate):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    frames = pb.load(made / "results")
    run = frames["tasks"].loc[frames["tasks"]["optimizer"].str.startswith(name), "run"].iloc[0]
    theirs = frames["steps"].loc[frames["steps"]["run"] == run, "loss"].tolist()
    folder = next(path.parent for path in (made / "results").rglob("run.toml") if path.parent.name == run)
    net = pb.network(folder, task=0)
    if name == "adam":
        optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    else:
        optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    task = pb.stream(made / "export")[0]
    assert len(task.order) == 200
    for (inputs, labels), expected in zip(task.loader(), theirs):
        loss = torch.nn.functional.cross_entropy(net(inputs), labels)
        assert abs(loss.item() / expected - 1) < 1e-4
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


AGENT = """
name = "agent"
[environment]
name = "pendulum-swingup"
[stream]
family = "single"
tasks = 1
steps = 300
[agent]
name = "sac"
learning_starts = 200
batch_size = 16
[network]
kind = "mlp"
hidden = [16, 16]
[activation]
name = "relu"
[critic.activation]
name = "rational"
constraint = "unit-gain"
[evaluation]
every = 300
episodes = 1
[grid]
seeds = [0]
"""


def test_an_agents_networks_are_had_by_name(program, tmp_path):
    torch = pytest.importorskip("torch")
    (tmp_path / "agent.toml").write_text(AGENT)
    program("run", tmp_path / "agent.toml", "--out", tmp_path, "--quiet")
    (run,) = (path.parent for path in tmp_path.rglob("run.toml"))
    frames = pb.load(run)
    assert {"episodes", "evaluations", "tasks"} <= set(frames)
    observations = torch.zeros(5, 3)
    assert pb.network(run, part="actor")(observations).shape == (5, 2)
    critic = pb.network(run, part="critic1")
    assert critic(torch.zeros(5, 4)).shape == (5, 1)
    # The curve that the program says it has, whose gain depends on the start of the critics alone.
    last = frames["coefficients"].query("layer == 'critic1.activations.0' and phase == 'end'").set_index("coefficient")
    ours = torch.cat(critic.activations[0].effective(), 1)[0].tolist()
    assert ours == pytest.approx(last["value"].tolist(), rel=1e-6)
    with pytest.raises(ValueError, match="name one as `part`"):
        pb.network(run)
    with pytest.raises(ValueError, match="actor, critic1, critic2"):
        pb.network(run, part="critic3")
