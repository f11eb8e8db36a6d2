"""Random numbers of one's own, in one thread, and looks that leave no trace."""

import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mtl_helpers.randomness import Private, drawn_from, look, random_state, set_random_state

X = torch.linspace(-1, 1, 160).reshape(4, 5, 8)
torch.manual_seed(0)
LSTM = nn.LSTM(8, 8, 2, dropout=0.5, batch_first=True)
ATTENTION = nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True)
LAYER = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

DRAWS = {
    "rand": lambda: torch.rand(3),
    "randn": lambda: torch.randn(2, 3),
    "rand_like": lambda: torch.rand_like(X),
    "randn_like": lambda: torch.randn_like(X),
    "randint": lambda: torch.randint(9, (5,)),
    "randint from": lambda: torch.randint(3, 9, (5,)),
    "randint_like": lambda: torch.randint_like(X, 9),
    "randint_like from": lambda: torch.randint_like(X, 3, 9),
    "randperm": lambda: torch.randperm(20),
    "bernoulli": lambda: torch.bernoulli(X.abs()),
    "bernoulli_": lambda: torch.empty(20).bernoulli_(0.3),
    "normal": lambda: torch.normal(0.0, 1.0, (3,)),
    "normal of tensors": lambda: torch.normal(X, X.abs()),
    "normal_": lambda: torch.empty(20).normal_(),
    "uniform_": lambda: torch.empty(20).uniform_(),
    "exponential_": lambda: torch.empty(20).exponential_(),
    "random_": lambda: torch.empty(20).random_(9),
    "geometric_": lambda: torch.empty(20).geometric_(0.3),
    "multinomial": lambda: torch.multinomial(torch.ones(9), 4),
    "poisson": lambda: torch.poisson(torch.full((9,), 3.0)),
    "binomial": lambda: torch.binomial(torch.full((9,), 9.0), torch.full((9,), 0.5)),
    "dirichlet": lambda: torch.distributions.Dirichlet(torch.ones(3)).sample(),
    "gamma": lambda: torch.distributions.Gamma(2.0, 1.0).sample((3,)),
    "dropout": lambda: F.dropout(X),
    "dropout1d": lambda: F.dropout1d(X),
    "alpha_dropout": lambda: F.alpha_dropout(X, training=True),
    "native_dropout": lambda: torch.native_dropout(X, 0.5, True)[0],
    "rrelu": lambda: F.rrelu(X, training=True),
    "gumbel_softmax": lambda: F.gumbel_softmax(X),
    "LSTM": lambda: LSTM(X)[0],
    "packed LSTM": lambda: LSTM(nn.utils.rnn.pack_padded_sequence(X, torch.tensor([5, 4, 2, 1]), batch_first=True))[0][
        0
    ],
    "MultiheadAttention": lambda: ATTENTION(X, X, X)[0],
    "scaled_dot_product_attention": lambda: F.scaled_dot_product_attention(X, X, X, dropout_p=0.4),
    "TransformerEncoderLayer": lambda: LAYER(X),
    "initialisation": lambda: nn.Linear(4, 3).weight,
    "truncated normal": lambda: nn.init.trunc_normal_(torch.empty(9)),
    "fractional pooling": lambda: F.fractional_max_pool2d(X[None], 2, output_size=2),
}


@pytest.mark.parametrize("gradient", [True, False], ids=["with gradient", "without"])
@pytest.mark.parametrize("name", DRAWS)
def test_what_is_drawn_is_what_a_seed_gives_and_the_global_generator_rests(name, gradient):
    with torch.set_grad_enabled(gradient):
        torch.manual_seed(7)
        expected = DRAWS[name]()
        before = torch.manual_seed(8).get_state()
        with drawn_from(torch.Generator().manual_seed(7)) as draws:
            found = DRAWS[name]()
        assert torch.equal(torch.get_rng_state(), before), "the global generator was used"
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
        assert draws.count > 0


def test_backward_repeats_the_dropout_of_forward():
    def gradient():
        x = X.clone().requires_grad_()
        F.dropout(x).sum().backward()
        return x.grad

    torch.manual_seed(7)
    expected = gradient()
    with drawn_from(torch.Generator().manual_seed(7)):
        assert torch.equal(gradient(), expected)


def test_what_has_a_generator_keeps_it():
    own, other = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    with drawn_from(other) as draws:
        found = torch.rand(3, generator=own), torch.empty(3).normal_(generator=own)
    own.manual_seed(1)
    assert torch.equal(found[0], torch.rand(3, generator=own)) and draws.count == 0
    assert torch.equal(other.get_state(), torch.Generator().manual_seed(2).get_state())


def test_a_model_that_draws_nothing_is_known_by_its_count():
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout().eval())
    with drawn_from(torch.Generator()) as draws:
        model(X)
    assert draws.count == 0


def test_what_draws_nothing_is_soon_left_in_peace_and_watched_now_and_then():
    privately, watched = Private(torch.Generator().manual_seed(1)), []
    for _ in range(100):
        with privately():
            watched.append(torch.utils._python_dispatch._get_current_dispatch_mode() is not None)
    assert [i + 1 for i, seen in enumerate(watched) if seen] == [1, 2, 3, 4, 5, 10, 20, 40, 80]
    outside = torch.get_rng_state()
    draws = Private(torch.Generator().manual_seed(1))
    for _ in range(60):
        with draws():
            torch.rand(1)
    assert draws.draws == 60 and torch.equal(torch.get_rng_state(), outside)


def test_threads_do_not_meet():
    """Another thread draws from the global generator all the while, and gets what its seed gives."""
    expected = [torch.rand(4, generator=torch.Generator().manual_seed(3))]
    torch.manual_seed(5)
    outside = torch.stack([torch.rand(4) for _ in range(2000)])
    found, stop = [], threading.Event()

    def other():
        while not stop.is_set():
            with drawn_from(torch.Generator().manual_seed(3)):
                found.append(torch.rand(4))

    torch.manual_seed(5)
    thread = threading.Thread(target=other)
    thread.start()
    drawn = torch.stack([torch.rand(4) for _ in range(2000)])
    stop.set()
    thread.join()
    assert torch.equal(drawn, outside)
    assert found and all(torch.equal(draw, expected[0]) for draw in found)


def test_states_are_those_of_the_generator_in_force():
    generator = torch.Generator().manual_seed(3)
    outside = torch.get_rng_state()
    with drawn_from(generator):
        state = random_state()
        first = torch.rand(3)
        set_random_state(state)
        assert torch.equal(first, torch.rand(3))
    assert torch.equal(torch.get_rng_state(), outside)
    state = random_state()
    first = torch.rand(3)
    set_random_state(state)
    assert torch.equal(first, torch.rand(3))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.lstm = nn.BatchNorm1d(5), LSTM

    def forward(self, x):
        return F.dropout(self.lstm(self.norm(x))[0], training=self.training)


@pytest.mark.parametrize("own", [True, False], ids=["drawn from its own", "from torch's"])
def test_a_look_leaves_no_trace_and_repeats_a_step(own):
    def check():
        model = Model()
        before = random_state()
        step = model(X)
        buffers, after = [b.clone() for b in model.buffers()], random_state()
        with look(model, before):
            again = model(X)
        with look(model):
            other = model(X)
        assert torch.equal(step, again) and not torch.equal(step, other)
        assert all(map(torch.equal, buffers, model.buffers())) and model.training
        assert torch.equal(random_state()["cpu"], after["cpu"])

    if own:
        with drawn_from(torch.Generator().manual_seed(1)):
            check()
    else:
        check()


def test_a_look_that_fails_leaves_no_trace_either():
    model, before = Model(), torch.get_rng_state()
    with pytest.raises(RuntimeError, match="looked"), look(model):
        model(X)
        raise RuntimeError("looked")
    assert model.norm.num_batches_tracked == 0 and torch.equal(torch.get_rng_state(), before)
