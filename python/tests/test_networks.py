"""Every network and activation that `network` makes, trained on in torch for the steps of a task: each loss, and
the weights where the task ends, are the program's."""

import dataclasses

import pytest

import plasticity_bench as pb

torch = pytest.importorskip("torch")

SPEC = """
name = "made"
[data]
dataset = "generated-{data}"
[stream]
family = "{family}"
tasks = 1
examples = 128
steps = {steps}
batch_size = 16
[network]
{network}
[activation]
{activation}
[optimizer]
name = "adam"
learning_rate = {rate}
[grid]
seeds = [7]
"""

#: Where training does not let rounding grow.
RATE = 1e-4


@dataclasses.dataclass
class Made:
    """A run of one task and its exported stream."""

    run: object
    task: pb.Task

    def net(self, task):
        return pb.network(self.run, task=task)

    def column(self, kind, name):
        return pb.load(self.run)[kind][name].tolist()


@pytest.fixture
def make(program, tmp_path):
    torch.set_num_threads(1)

    def made(activation, network='kind = "mlp"; hidden = [32, 24]', data="digits", family="shuffled-labels", steps=50):
        spec = tmp_path / "made.toml"
        activation, network = ("\n".join(text.split("; ")) for text in (activation, network))
        settings = dict(activation=activation, network=network, rate=RATE, data=data, family=family, steps=steps)
        spec.write_text(SPEC.format(**settings))
        program("run", spec, "--out", tmp_path / "runs", "--quiet", "--keep-checkpoints", "all", "--log-steps")
        program("tasks", "export", spec, "--seed", "7", "--out", tmp_path / "export")
        (run,) = (path.parent for path in (tmp_path / "runs").rglob("run.toml"))
        return Made(run, pb.stream(tmp_path / "export")[0])

    return made


def loss_of(outputs, labels):
    return torch.nn.functional.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), labels.reshape(-1))


def follows(made):
    """Losses within 1e-4 of themselves, and the loss in evaluation where the task ends. Gives the network there."""
    net, theirs = made.net(0), made.column("steps", "loss")
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    assert len(theirs) == len(made.task.order)
    for (inputs, labels), expected in zip(made.task.batches(), theirs):
        loss = loss_of(net(inputs), labels)
        assert abs(loss.item() / expected - 1) < 1e-4
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    evaluates(made)
    return net


def ends_alike(made, net):
    """The values where the task ends say more of the gradients than losses do: a coefficient moves by up to 5e-3 in
    these steps. Their mean is taken, as Adam turns a gradient next to 0 to either side."""
    for (name, ours), theirs in zip(net.state_dict().items(), made.net(1).state_dict().values()):
        assert (ours - theirs).abs().mean() < 1e-6, name


def evaluates(made):
    """The loss over the task's examples where it ends, in evaluation mode."""
    with torch.no_grad():
        loss = loss_of(made.net(1).eval()(made.task.inputs), made.task.labels)
    (theirs,) = made.column("tasks", "train_loss")
    assert abs(loss.item() / theirs - 1) < 1e-5


@pytest.mark.parametrize(
    "activation",
    [
        'version = "B"',
        'version = "N"; constraint = { name = "output-bound", bound = 2 }',
        'sharing = "network"; constraint = "coefficient-box"',
        'sharing = "map"; map = [0, 0]',
        'constraint = "frozen"',
        'degrees = [4, 4]; constraint = "proper-degree"',
        'version = "B"; degrees = [3, 4]; constraint = { name = "proper-degree", epsilon = 0.01 }',
        'constraint = "tail-slope"',
        'version = "C"; constraint = { name = "tail-slope", bound = 0.5 }',
        'sharing = "unit"; constraint = "tail-slope"',
        'version = "B"; constraint = { name = "projected-tail-slope", epsilon = 0.01 }',
        'constraint = { name = "output-bound", bound = 2 }',
        'constraint = { name = "lipschitz", bound = 0.8 }',
        'version = "B"; degrees = [4, 4]; start = "tanh"; constraint = { name = "lipschitz", bound = 0.5, range = 5 }',
        'constraint = "unit-gain"',
        'version = "C"; sharing = "groups"; groups = 3; constraint = "unit-gain"',
    ],
)
def test_rationals_train_on(make, activation):
    made = make(f'name = "rational"; {activation}')
    ends_alike(made, follows(made))


@pytest.mark.parametrize(
    "activation",
    [
        'name = "kat"',
        'name = "kat"; groups = 3; degrees = [4, 3]',
        'name = "leaky_relu"; slope = 0.2',
        'name = "elu"; alpha = 0.5',
        'name = "celu"; alpha = 2.0',
        'name = "selu"',
        'name = "swish"; beta = 1.5',
        'name = "mish"',
        'name = "softplus"; beta = 3.0',
        'name = "prelu"',
        'name = "prelu"; sharing = "unit"; start = 0.1',
        'name = "smooth-leaky"; alpha = 0.2',
        'name = "crelu"',
        'name = "fourier"',
    ],
)
def test_other_activations_train_on(make, activation):
    made = make(activation)
    ends_alike(made, follows(made))


RELU, RATIONAL, KAT = 'name = "relu"', 'name = "rational"; constraint = "tail-slope"', 'name = "kat"; start = "gelu"'
NATURE = 'kind = "nature-cnn"; channels = [8, 6]; kernels = [8, 4]; strides = [4, 2]; hidden = [20]'
VIT = 'kind = "vit"; width = 16; depth = 2; heads = 2; patch = 8; ratio = 2'
GPT = 'kind = "gpt"; width = 16; depth = 2; heads = 2; ratio = 2; alphabet = 29'


@pytest.mark.parametrize(
    "activation, network",
    [
        (RATIONAL, 'kind = "mlp"; hidden = [24, 20]; norm = "layer"'),
        (RELU, 'kind = "cnn"; channels = [8, 6]; hidden = [20]'),
        (RATIONAL, 'kind = "cnn"; channels = [8, 6]; kernel = 3; padding = 1; hidden = []'),
        ('name = "rational"; sharing = "unit"', 'kind = "cnn"; channels = [4, 6]; hidden = [20]'),
        (RATIONAL, NATURE),
        (RATIONAL, VIT),
        (KAT, VIT + '; pool = "mean"'),
    ],
)
def test_networks_of_images_train_on(make, activation, network):
    follows(make(activation, network, data="textures"))


@pytest.mark.parametrize(
    "activation, norm", [(RATIONAL, '"batch"'), (RATIONAL, '"group"; groups = 2'), (RELU, '"none"')]
)
def test_a_resnet_trains_on(make, activation, norm):
    follows(make(activation, f'kind = "resnet18"; width = 4; norm = {norm}', data="textures", steps=10))


def test_a_network_of_characters_trains_on(make):
    made = make(RATIONAL, GPT, data="text", family="permuted-alphabet")
    follows(made)
    # Of the test set too: the suite's accuracy is the share of characters.
    with torch.no_grad():
        right = made.net(1)(made.task.test_inputs).argmax(-1) == made.task.test_labels
    assert right.double().mean().item() == pytest.approx(made.column("tasks", "test_accuracy")[0], abs=1e-4)


def test_version_d_draws_in_training_alone(make):
    made = make('name = "rational"; version = "D"')
    evaluates(made)
    net, x = made.net(0), made.task.inputs
    draws = [net.activations[0].effective()[0] / net.activations[0].sets()[0] for _ in range(200)]
    factors = torch.cat(draws)
    assert factors.min() > 0.9 and factors.max() < 1.1 and factors.std() > 0.05
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


def test_coefficients_are_frozen_where_the_run_freezes_them(make):
    made = make('name = "rational"; constraint = { name = "freeze-after", tasks = 1 }')
    trained = [[p.requires_grad for p in made.net(task).activations.parameters()] for task in (0, 1)]
    assert all(trained[0]) and not any(trained[1]) and all(p.requires_grad for p in made.net(1).layers.parameters())


def test_what_has_no_counterpart_is_refused(make):
    with pytest.raises(ValueError, match="the activation mixture has no counterpart here"):
        make('name = "mixture"').net(0)
