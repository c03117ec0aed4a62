"""A stranger's plugin with one fault of every kind: one line that names it, and all else as if it were not there."""

import contextlib
import json
import pickle

import pytest

import meva_core as meva
from meva_core import evaluate, runner
from meva_core.contracts import streams
from meva_core.contracts.hyperparameters import parts
from meva_core.errors import BadCombination, BadPlugin
from meva_core.experiment import compose, resolve
from meva_core.registry import attribution, checks, discovery, loading
from meva_core.testing import installed

pytestmark = pytest.mark.usefixtures("no_figures")

WHOLE = """
import jax
import jax.numpy as jnp

from meva_core.contracts import Entry, Explorer, Game, Learner, Sweep, Training
from meva_core.contracts import ValueModel, component, hookimpl, leaf, part, positive, static


@hookimpl
def meva_games():
    yield Entry("odd_game", "odd:OddGame", "a game")


@hookimpl
def meva_learners():
    yield Entry("odd_rule", "odd:OddRule", "a rule without parameters")
    yield Entry("odd_learner", "odd:OddLearner", "one that is fitted, against the others too")


@hookimpl
def meva_value_models():
    yield Entry("odd_model", "odd:OddModel", "a value model")


@hookimpl
def meva_explorers():
    yield Entry("odd_explorer", "odd:OddExplorer", "an explorer")


@component
class OddGame(Game):
    scale: float = leaf(default=1.0, doc="of payoffs", check=positive)
    policy_size = 3
    symmetric = True

    def init(self, key):
        return jax.random.normal(key, (2, 3))

    def payoff(self, x):
        return -self.scale * jnp.sum(x**2, axis=1)

    def best_response(self, x, seat):
        return jnp.zeros((1, 3))


@component
class OddRule(Learner):
    rate: float = leaf(default=1.0, doc="learning rate", check=positive)

    def init(self, params, x, key):
        return {"count": jnp.zeros(())}

    def update(self, params, state, x, key):
        return -self.rate * x, {"count": state["count"] + 1}


@component
class OddTraining(Training):
    learner: object = part()
    num_steps = 2

    def init(self, key):
        return {"weights": self.learner.value_model(2, 1, False).init(key), "loop": jnp.zeros((), jnp.int32)}

    def step(self, state, key):
        x = jnp.zeros((self.learner.game.num_players, self.learner.game.policy_size))
        for rival in self.learner.rivals:
            if rival is not None:
                rival.learner.update(rival.params, rival.learner.init(rival.params, x, key), x, key)
        return {**state, "loop": state["loop"] + 1}, {"loss": jnp.zeros(())}

    def params(self, state):
        return state["weights"]


@component
class OddLearner(Learner):
    game: Game = part()
    value_model: object = part()
    explorer: Explorer = part()
    rivals: tuple = part(default=())
    rate: float = leaf(default=1.0, doc="learning rate", check=positive)

    @property
    def training(self):
        return OddTraining(learner=self)

    def update(self, params, state, x, key):
        return -self.rate * x, state


@component
class OddModel(ValueModel):
    game: Game = part()
    outputs: int = static(default=1, doc="K")
    num_features = 5

    def init(self, key):
        return {"weights": jnp.ones((5, self.outputs))}

    def features(self, params, x, others, condition):
        return jnp.broadcast_to(jnp.sum(x + others, axis=1, keepdims=True) + condition, (x.shape[0], 5))

    def head(self, params, features):
        return features @ params["weights"]


@component
class OddExplorer(Explorer):
    def perturb_features(self, noise, features):
        return features + 1.0


class Unheard(Exception):
    def __init__(self, first, second):
        super().__init__(first)


def fail(*args, **kwargs):
    raise RuntimeError("out of luck\\nfor good")


"""
GAME = ("odd_game", "naive")
RULE = ("odd_game", "odd_rule")
LEARNER = ("ipd", "odd_learner")
SHORT = [
    *("--set", "evaluate.pairs=2", "--set", "evaluate.steps=2", "--set", "evaluate.best_response.steps=2"),
    *("--set", "evaluate.basins.steps=2", "--set", "evaluate.basins.grid=3"),
]

# what is wrong: (its code, who plays what, who is to blame, what is said)
OF_GAMES = {
    "payoff of another shape": (
        "OddGame.payoff = lambda self, x: x[0]",
        "payoff(x): expected float32[2], got float32[3]",
    ),
    "payoff of whole numbers": (
        "OddGame.payoff = lambda self, x: jnp.array([1, 2])",
        "payoff(x): expected float32[2], got int32[2]",
    ),
    "payoff of nothing": ("OddGame.payoff = lambda self, x: None", "payoff(x): expected float32[2], got None"),
    "payoff of text": ("OddGame.payoff = lambda self, x: 'much'", "payoff(x) raises TypeError"),
    "payoff raises": ("OddGame.payoff = fail", "payoff(x) raises RuntimeError: out of luck for good"),
    "payoff exits": ("OddGame.payoff = lambda self, x: exit(0)", "payoff(x) raises SystemExit: 0"),
    "payoff not traceable": ("OddGame.payoff = lambda self, x: x if x[0, 0] > 0 else -x", "TracerBool"),
    "payoff of one argument": ("OddGame.payoff = lambda self: 1", "payoff(x) raises TypeError"),
    "no payoff": ("del OddGame.payoff", "class OddGame: expected a method payoff, got none"),
    "no init": ("del OddGame.init", "class OddGame: expected a method init, got none"),
    "no size": ("del OddGame.policy_size", "class OddGame: expected policy_size (or Game as its base), got none"),
    "init of another shape": (
        "OddGame.init = lambda self, key: jnp.ones(3)",
        "init(key): expected float32[2,3], got float32[3]",
    ),
    "init raises": ("OddGame.init = fail", "init(key) raises RuntimeError"),
    "players in words": ("OddGame.num_players = 'two'", "num_players: expected a whole number >= 1, got two"),
    "half a player": ("OddGame.num_players = 2.5", "num_players: expected a whole number >= 1, got 2.5"),
    "no players": ("OddGame.num_players = 0", "num_players: expected a whole number >= 1, got 0"),
    "a property raises": ("OddGame.num_players = property(fail)", "num_players raises RuntimeError"),
    "symmetric how": ("OddGame.symmetric = 'very'", "symmetric: expected True or False, got very"),
    "plane": ("OddGame.plane = 3", "plane raises TypeError"),
    "names": ("OddGame.entry_names = ('a', 'b')", "expected 3 names, one for each number of a policy, got ['a', 'b']"),
    "outcomes": ("OddGame.outcomes = lambda self, x: [x]", "outcomes(x): expected a dictionary, got [float32[2,3]]"),
    "an outcome": (
        "OddGame.outcomes = lambda self, x: {'a': x}",
        "outcomes(x)['a']: expected float32[], got float32[2,3]",
    ),
    "strategies": ("OddGame.strategies = [1]", "strategies: expected a mapping, got [1]"),
    "a strategy": ("OddGame.strategies = {'a': jnp.ones(4)}", "strategies['a']: expected float32[3], got float32[4]"),
    "best response": (
        "OddGame.best_response = lambda self, x, seat: x[0]",
        "best_response(x, 0): expected float32[N,3], got float32[3]",
    ),
    "entries": ("OddGame.entries = lambda self, x: x[:1]", "entries(x): expected float32[2,3], got float32[1,3]"),
    "a default in words": (
        "@component\nclass OddGame(OddGame):\n    scale: float = leaf(default='big', doc='of payoffs')",
        "the default of scale: expected float, got big",
    ),
    "a default out of range": (
        "@component\nclass OddGame(OddGame):\n    scale: float = leaf(default=-1.0, doc='of payoffs', check=positive)",
        "the default of scale: expected > 0 and finite, got -1.0",
    ),
    "a type that is not there": (
        "@component\nclass OddGame(OddGame):\n    scale: 'Nosuch' = leaf(default=1.0, doc='of payoffs')",
        "its hyper-parameters raises NameError: name 'Nosuch' is not defined",
    ),
    "a part that nobody has": (
        "@component\nclass OddGame(OddGame):\n    friend: object = part()",
        "class OddGame: expected parts of no name, got friend",
    ),
    "a check that raises": (
        "from meva_core.contracts import Check\n@component\nclass OddGame(OddGame):\n"
        "    scale: float = leaf(default=1.0, doc='of payoffs', check=Check('fine', fail))",
        "the default of scale raises RuntimeError",
    ),
    "building raises": (
        "@component\nclass OddGame(OddGame):\n    def __attrs_post_init__(self):\n        fail()",
        "raises RuntimeError",
    ),
    "no component": ("class OddGame: pass", "cannot be imported from 'odd:OddGame': TypeError: expected a component"),
    "no factory": ("del OddGame", "cannot be imported from 'odd:OddGame': AttributeError"),
    "a learner instead": ("OddGame = OddRule", "class OddRule: expected a method payoff, got none"),
}
OF_RULES = {
    "update raises": (
        "OddRule.update = fail",
        "update(params, state, x, key) raises RuntimeError: out of luck for good",
    ),
    "update of steps alone": (
        "OddRule.update = lambda self, params, state, x, key: x",
        "update(params, state, x, key): expected a pair, got float32[2,3]",
    ),
    "update of another shape": (
        "OddRule.update = lambda self, params, state, x, key: (x[0], state)",
        "the steps of update(params, state, x, key): expected float32[2,3], got float32[3]",
    ),
    "update of another state": (
        "OddRule.update = lambda self, params, state, x, key: (x, ())",
        "the state of update(params, state, x, key): expected {'count': float32[]}, got ()",
    ),
    "update of another state's type": (
        "OddRule.update = lambda self, params, state, x, key: (x, {'count': 1})",
        "the state of update(params, state, x, key)['count']: expected float32[], got int32[]",
    ),
    "start": ("OddRule.start = lambda self, params, x, key: x[0]", "start(params, x, key): expected float32[2,3]"),
    "init raises": ("OddRule.init = fail", "init(params, x, key) raises RuntimeError"),
    "no update": ("del OddRule.update", "class OddRule: expected a method update, got none"),
    "sweep": ("OddRule.sweep = 'rate'", "sweep: expected a Sweep or None, got rate"),
    "sweep of what": (
        "OddRule.sweep = Sweep('speed', (1.0,), 'speed')",
        "sweep: expected the name of a hyper-parameter, got speed",
    ),
    "held": (
        "OddRule.held = lambda self: jnp.zeros(3)",
        "held(): expected float32[2,3], got float32[3]",
    ),
    "plays strategies": (
        "OddRule.plays_strategies = 'name'",
        "plays_strategies: expected one of rate or None, got name",
    ),
    "paced by": ("OddRule.paced_by = 'speed'", "paced_by: expected one of rate or None, got speed"),
    "myopic": ("OddRule.myopic = 3", "myopic: expected True or False, got 3"),
    "steps like": ("OddRule.steps_like = 3", "steps_like: expected the name of a learner or None, got 3"),
    "small": ("OddRule.small = {'size': 3}", "small: expected values of rate, an attribute of the class, got {'size'"),
    "training": ("OddRule.training = 3", "num_steps raises AttributeError"),
    "a part that nobody has": (
        "@component\nclass OddRule(OddRule):\n    friend: object = part()",
        "class OddRule: expected parts of game, rivals, value_model, explorer, policy or part(kind=...), got friend",
    ),
}
OF_LEARNERS = {
    "step raises": ("OddTraining.step = fail", "training.step(state, key) raises RuntimeError"),
    "step of state alone": (
        "OddTraining.step = lambda self, state, key: state",
        "training.step(state, key): expected a pair, got {'loop': int32[]",
    ),
    "step of another state": (
        "OddTraining.step = lambda self, state, key: ({**state, 'loop': 1.0}, {'loss': 1.0})",
        "the state of training.step(state, key)['loop']: expected int32[], got float32[]",
    ),
    "no metrics": (
        "OddTraining.step = lambda self, state, key: (state, {})",
        "the metrics of training.step(state, key): expected a dictionary of one or more, got {}",
    ),
    "metrics that are shown": (
        "OddTraining.shown = {'loss': 3}",
        "shown: expected texts by the names of metrics, got {'loss': 3}",
    ),
    "metrics of many numbers": (
        "OddTraining.step = lambda self, state, key: (state, {'loss': jnp.ones(3)})",
        "the metric 'loss' of training.step(state, key): expected float32[], got float32[3]",
    ),
    "training raises": ("OddLearner.training = property(fail)", "training raises RuntimeError"),
    "no loops": ("OddTraining.num_steps = 0", "num_steps: expected a whole number >= 1, got 0"),
    "fresh state": ("OddTraining.init = fail", "training.init(key) raises RuntimeError"),
    "params": ("OddTraining.params = fail", "training.params(state) raises RuntimeError"),
    "no pytree": (
        "class OddTraining:\n    num_steps = 2\n    def __init__(self, learner): pass",
        "training.init(key) raises",
    ),
}
OF_MODELS = {
    "features": (
        "OddModel.features = lambda self, params, x, others, condition: x",
        "features(params, x, others, condition): expected float32[2,5], got float32[2,3]",
    ),
    "no number of features": ("del OddModel.num_features", "class OddModel: expected num_features (or ValueModel"),
    "head": (
        "OddModel.head = lambda self, params, features: features",
        "head(params, features): expected float32[2,4], got float32[2,5]",
    ),
    "init raises": ("OddModel.init = fail", "init(key) raises RuntimeError"),
    "building raises": (
        "@component\nclass OddModel(OddModel):\n    def __attrs_post_init__(self):\n        fail()",
        "raises RuntimeError",
    ),
}
OF_EXPLORERS = {
    "features": (
        "OddExplorer.perturb_features = lambda self, noise, features: features[:, :2]",
        "perturb_features(noise, features): expected float32[2,5], got float32[2,2]",
    ),
    "params": (
        "OddExplorer.perturb_params = lambda self, noise, params: ()",
        "perturb_params(noise, params): expected {'weights': float32[5,4]}, got ()",
    ),
    "step": (
        "OddExplorer.perturb_step = lambda self, noise, step, key: step.sum()",
        "perturb_step(noise, step, key): expected",
    ),
    "draw": ("OddExplorer.draw = fail", "draw(key, params, num_features) raises RuntimeError"),
}
PARTS = ("--set", "value_model.name=odd_model", "--set", "explorer.name=odd_explorer")
OF_GAME_OF_ODD = ("odd_game", "odd_learner", *PARTS)
CASES = [
    *(pytest.param(code, GAME, "game 'odd_game'", said, id=f"game: {id}") for id, (code, said) in OF_GAMES.items()),
    *(pytest.param(code, RULE, "learner 'odd_rule'", said, id=f"rule: {id}") for id, (code, said) in OF_RULES.items()),
    *(
        pytest.param(code, OF_GAME_OF_ODD, "learner 'odd_learner'", said, id=f"learner: {id}")
        for id, (code, said) in OF_LEARNERS.items()
    ),
    *(
        pytest.param(code, OF_GAME_OF_ODD, "value model 'odd_model'", said, id=f"value model: {id}")
        for id, (code, said) in OF_MODELS.items()
    ),
    *(
        pytest.param(code, OF_GAME_OF_ODD, "explorer 'odd_explorer'", said, id=f"explorer: {id}")
        for id, (code, said) in OF_EXPLORERS.items()
    ),
]


@pytest.mark.parametrize(("code", "played", "who", "said"), CASES)
def test_a_fault_is_one_line_that_names_the_plugin(
    fake_plugin, meva_run, meva_command, tmp_path, code, played, who, said
):
    fake_plugin("odd", WHOLE + code)
    game, learner, *more = played
    outcome = meva_run("--game", game, "--learner", learner, *more, "--out", tmp_path / "out")
    assert outcome.code == 2
    [line] = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert f"{who} of plugin 'odd' (meva-odd)" in line
    assert said in line
    assert "meva-odd" in line.rpartition("Ask its authors, or uninstall ")[2]
    assert len(line) < 600
    assert not (tmp_path / "out").exists()
    listed = meva_command("list")
    assert (listed.code, listed.err) == (0, "")
    assert "ipd" in listed.out


def run(*words):
    """Compose and plan a run of a stranger's parts, without any fit or match."""
    known, files = runner.plugins()
    game, learner, *opponents = words
    resolved = resolve.resolve(known, files, game=game, learner=learner, opponents=opponents)
    return evaluate.plan(resolved, compose.compose(resolved))


def test_without_a_fault_there_is_none(fake_plugin, meva_run, meva_command, tmp_path):
    fake_plugin("odd", WHOLE)
    outcome = meva_run("--game", "odd_game", "--learner", "odd_learner", *PARTS, *SHORT, "--out", tmp_path / "out")
    assert (outcome.code, outcome.err) == (0, "")


def test_a_fault_leaves_other_runs_unharmed(fake_plugin, meva_run, tmp_path):
    fake_plugin("odd", WHOLE + "OddGame.payoff = fail\nOddRule.update = fail")
    fake_plugin("worse", "1 / 0")
    outcome = meva_run("--game", "odd_game", "--learner", "odd_rule")
    warning, error = outcome.err.splitlines()
    assert warning == "warning: plugin 'worse' (meva-worse) is left out: ZeroDivisionError: division by zero"
    assert error.startswith("error: game 'odd_game' of plugin 'odd' (meva-odd)")
    outcome = meva_run("--game", "logistic", "--learner", "naive", *SHORT, "--out", tmp_path / "out")
    assert (outcome.code, outcome.err) == (0, "")
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.parametrize("where", ["nosuch:file.toml", "odd", "", ":", "json:nosuch.toml", "raises:file.toml"])
def test_recipes_that_cannot_be_read(fake_plugin, meva_run, where):
    fake_plugin("raises", "1 / 0", name="raising")
    fake_plugin("odd", WHOLE.replace('"a game")', f'"a game", recipes={where + " "!r})'))
    lines = meva_run("--game", "odd_game", "--learner", "naive").err.splitlines()
    assert len(lines) == 2  # the warning of the one that raises, too
    assert lines[1].startswith("error: game 'odd_game' of plugin 'odd' (meva-odd): its recipes: ")


def test_rivals_that_are_fitted_have_parameters_when_a_stranger_is_asked(fake_plugin):
    fake_plugin("odd", WHOLE)
    run("ipd", "odd_learner", "cola")


def test_whom_a_learner_is_evaluated_against_is_asked_too(fake_plugin, meva_run):
    fake_plugin("odd", WHOLE + "OddRule.update = fail")
    outcome = meva_run("--game", "ipd", "--learner", "naive", "--set", "evaluate.shaping.against=odd_rule")
    assert outcome.code == 2
    assert outcome.err.startswith("error: learner 'odd_rule' of plugin 'odd' (meva-odd): update(params, state, x, key)")


@pytest.mark.parametrize("returned", ["(x, x)", "x", "(1.0, 2.0)"])
def test_a_meta_value_of_another_shape_is_told_by_the_evaluation_that_reads_it(fake_plugin, meva_run, returned):
    fake_plugin("odd", WHOLE + f"OddRule.meta_value = lambda self, params, x: {returned}")
    outcome = meva_run("--game", "odd_game", "--learner", "odd_rule")
    assert outcome.code == 2
    [line] = outcome.err.splitlines()
    assert "OddRule.meta_value(params, x): expected values and discounts of shape (2,) each, got " in line


ONCE = """
payoff, calls = OddGame.payoff, []
OddGame.payoff_range = property(lambda self: jnp.ones(2))  # told, so that nobody asks for payoffs to know it


def helper():
    fail()


def fails_later(self, x):
    calls.append(x)
    if len(calls) > 1:
        helper()
    return payoff(self, x)


OddGame.payoff = fails_later
"""
LATER = "error: game 'odd_game' of plugin 'odd' (meva-odd) raises RuntimeError: out of luck for good. Ask its authors, "
LATER += "or uninstall meva-odd; MEVA_DEBUG=1 shows the traceback"


def test_what_raises_later_is_named_too(fake_plugin, meva_run, tmp_path):
    fake_plugin("odd", WHOLE + ONCE)
    outcome = meva_run("--game", "odd_game", "--learner", "naive", *SHORT, "--quiet", "--out", tmp_path / "out")
    assert (outcome.code, outcome.err.splitlines()) == (2, [LATER])


def test_and_in_a_tournament(fake_plugin, meva_command, tmp_path):
    fake_plugin("odd", WHOLE + ONCE)
    words = ("--game", "odd_game", "--learners", "naive", "--trials=2", "--steps=2", "--out", tmp_path / "out")
    outcome = meva_command("tournament", *words)
    assert (outcome.code, outcome.err.splitlines()) == (2, [LATER])


def test_and_in_a_sweep(fake_plugin, meva_command, tmp_path):
    fake_plugin("odd", WHOLE + ONCE)
    sizes = ", ".join(f'"{word.partition("=")[0]}" = {word.partition("=")[2]}' for word in SHORT[1::2])
    (tmp_path / "rates.toml").write_text(
        f'game = "odd_game"\nlearner = "naive"\nset = {{ {sizes} }}\n'
        '[rank]\nquantity = "self_play"\n[grid]\n"learner.rate" = [0.1, 0.2]\n'
    )
    outcome = meva_command("sweep", tmp_path / "rates.toml", "--jobs=1", "--out", tmp_path / "out")
    assert (outcome.code, outcome.err.splitlines()) == (2, [LATER])


def test_and_in_python(fake_plugin):
    fake_plugin("odd", WHOLE + ONCE)
    with pytest.raises(BadPlugin) as caught:
        meva.run("odd_game", "naive", set={word.partition("=")[0]: 2 for word in SHORT[1::2]})
    assert f"error: {caught.value}" == LATER
    assert isinstance(caught.value.__cause__, RuntimeError)
    fake_plugin(
        "odd_too",
        WHOLE.replace("odd:", "odd_too:").replace('"odd_game"', '"game_too"')
        + ("@component\nclass OddGame(OddGame):\n    def __attrs_post_init__(self):\n        fail()"),
    )
    with pytest.raises(BadPlugin, match=r"game 'game_too' of plugin 'odd_too' \(meva-odd-too\) raises RuntimeError"):
        meva.make("game", "game_too")


def test_a_traceback_for_those_who_ask(fake_plugin, meva_run, monkeypatch):
    fake_plugin("odd", WHOLE + "OddGame.payoff = fail")
    monkeypatch.setenv("MEVA_DEBUG", "1")
    err = meva_run("--game", "odd_game", "--learner", "naive").err
    assert "odd.py" in err
    assert err.splitlines()[-1].startswith("error: game 'odd_game' of plugin 'odd' (meva-odd): payoff(x) raises")


def raised(function):
    """The exception that a user sees when `function` raises one."""
    try:
        with attribution.named():
            function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, meva.MevaError])
def test_what_passes_as_it_is(fake_plugin, kind):
    fake_plugin("odd", WHOLE + "def say(what):\n    raise what\n")
    import odd  # type: ignore[import-not-found]

    said = kind("this")
    assert raised(lambda: odd.say(said)) is said


def test_files_that_a_plugin_lacks_are_its_own_fault(fake_plugin):
    fake_plugin("odd", WHOLE + "def read():\n    open('/nosuch/data')\n")
    import odd  # type: ignore[import-not-found]

    assert "plugin 'odd' (meva-odd) raises FileNotFoundError" in str(raised(odd.read))
    assert type(raised(lambda: open("/nosuch/data"))) is FileNotFoundError  # noqa: SIM115


def test_bugs_of_ours_keep_their_traceback(fake_plugin, monkeypatch):
    fake_plugin("odd", WHOLE)
    game = meva.make("game", "ipd")
    monkeypatch.setattr(type(game), "init", lambda self, key: 1 / 0)
    assert type(raised(lambda: game.init(None))) is ZeroDivisionError


def test_a_helper_is_the_plugins_where_no_entry_is_known(fake_plugin):
    fake_plugin("odd", WHOLE)
    import odd  # type: ignore[import-not-found]

    assert str(raised(odd.fail)).startswith("plugin 'odd' (meva-odd) raises RuntimeError: out of luck for good.")


def test_factories_that_are_borrowed_are_nobodys_fault(fake_plugin):
    """An entry may name a bundled class, or one of Python's own: what goes wrong there is not its plugin's."""
    head = WHOLE[: WHOLE.index("@hookimpl")]
    hook = "@hookimpl\ndef meva_games():\n    yield Entry('mine', 'meva_games.logistic:Logistic', 'borrowed')\n"
    fake_plugin("odd", head + hook + "    yield Entry('none_such', 'json:decoder', 'borrowed')\n")
    assert meva.make("game", "mine")
    import json

    assert type(raised(lambda: json.loads("{"))) is json.JSONDecodeError
    assert type(raised(lambda: meva.make("game", "mine").payoff("?"))) is not BadPlugin


def test_two_plugins_in_one_package_are_told_apart(fake_plugin, tmp_path):
    site = fake_plugin("odd", "")
    (site / "shared").mkdir()
    hook = WHOLE[WHOLE.index("@hookimpl") : WHOLE.index("@component")]
    imports = "from meva_core.contracts import Entry, hookimpl\n"
    for name in ("first", "second"):
        (site / "shared" / f"{name}.py").write_text(imports + hook + "def fail():\n    1 / 0\n")
        info = site / f"meva_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: meva-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[meva]\n{name} = shared.{name}\n")
    discovery.installed.cache_clear()
    from shared import first, second  # type: ignore[import-not-found]

    assert str(raised(second.fail)).startswith("plugin 'second' (meva-second) raises ZeroDivisionError")
    assert str(raised(first.fail)).startswith("plugin 'first' (meva-first) raises ZeroDivisionError")


def test_a_blame_goes_from_process_to_process():
    assert str(pickle.loads(pickle.dumps(BadPlugin("one line")))) == "one line"  # noqa: S301


# ---------------------------------------------------------------- evaluations

ASKED = """
import jax

from meva_core.contracts import Entry, Evaluation, component, hookimpl


@hookimpl
def meva_evaluations():
    yield Entry("lower", "asked:Lower", "gives the answer of `once`")
    yield Entry("upper", "asked:Upper", "reads that answer")


@component
class Lower(Evaluation):
    by_default = False

    def ask_once(self, game, match, keys, asking):
        return once(keys)


@component
class Upper(Evaluation):
    by_default = False
    builds_on = ("lower",)

    def inputs(self, ended, answers):
        return (ended.payoffs + answers["lower"].once,)

    def ask(self, match, key, asking, payoffs):
        return payoffs

    def rows(self, answer, seen):
        return [{"upper": float(payoffs.mean())} for payoffs in answer.each[0]]


def with_numbers(keys, error):
    float(jax.random.key_data(keys).sum())  # in the rehearsal this is not known
    raise error


"""
ASK = ("--game", "matrix", "--learner", "naive", *SHORT[:4], "--evaluate", "convergence,upper")


@pytest.mark.parametrize(("answer", "names"), [("None", ["convergence"]), ("1.0", ["convergence", "lower", "upper"])])
def test_without_an_answer_what_builds_on_it_does_not_run(fake_plugin, meva_run, tmp_path, answer, names):
    fake_plugin("asked", f"{ASKED}def once(keys):\n    return {answer}\n")
    outcome = meva_run(*ASK, "--out", tmp_path / "out")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["evaluations"] == names


@pytest.mark.parametrize("error", ["MemoryError('17 TiB')", "RuntimeError('RESOURCE_EXHAUSTED: out of memory')"])
@pytest.mark.parametrize("body", ["with_numbers(keys, {})", "raise {}"], ids=["in the run", "in the rehearsal"])
def test_too_little_memory_is_nobodys_fault(fake_plugin, meva_run, tmp_path, body, error):
    fake_plugin("asked", f"{ASKED}def once(keys):\n    {body.format(error)}\n")
    outcome = meva_run(*ASK, "--out", tmp_path / "out")
    (line,) = outcome.err.splitlines()
    assert outcome.code == 1
    assert line.startswith("error: not enough memory (")
    assert "use less at a time" in line
    assert "Ask its authors" not in line


@pytest.mark.parametrize("stream", [*streams.RESERVED[-10:], streams.NAMED.start - 1, streams.RESERVED.stop])
def test_a_stranger_takes_no_stream_of_ours(fake_plugin, stream):
    fake_plugin("asked", f"{ASKED}Lower.stream = {stream}")
    offer = discovery.installed().find("evaluation", "lower")
    with pytest.raises(BadPlugin, match=r"stream: expected None or a whole number from 2\*\*31 to 2\*\*32 - 65, got"):
        loading.load(offer)


@pytest.mark.parametrize("stream", [None, streams.NAMED[0], streams.NAMED[-1]])
def test_a_stranger_may_have_a_stream(fake_plugin, stream):
    fake_plugin("asked", f"{ASKED}Lower.stream = {stream}")
    assert loading.load(discovery.installed().find("evaluation", "lower")).stream == stream


@pytest.mark.parametrize("offer", meva.installed().offers, ids=lambda offer: f"{offer.kind}-{offer.name}")
def test_what_is_bundled_keeps_its_contract(offer):
    checks.factory(offer, loading.load(offer))
    if offer.kind == "game":
        checks.game(offer, meva.make("game", offer.name))
    if offer.kind == "explorer":
        checks.perturbing(offer, meva.make("explorer", offer.name), meva.make("game", "logistic"), *checks.UNSEEN)
    if offer.kind == "learner":
        game, given = of_learner(offer)
        checks.learner(offer, meva.make("learner", offer.name, **given), game)


def of_learner(offer):
    """A game that a learner accepts, and its arguments."""
    for name in ("logistic", "ultimatum", "ipd"):
        with contextlib.suppress(BadCombination):
            game = installed.made_for(discovery.installed(), offer, name)
            given = {"game": game} if "game" in parts(loading.load(offer)) else {}
            meva.make("learner", offer.name, **given)
            return game, given
    raise AssertionError(offer.name)
