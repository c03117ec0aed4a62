"""Careless users: one clear line, exit code 2, nothing half done."""

import pytest

from meva_core import runner

IPD = ("--game", "ipd", "--learner")
NAIVE = (*IPD, "naive")
MEVA = (*IPD, "meva")
SMALL = (
    "learner.loops=2 learner.trajectory=4 learner.stride=2 learner.batch_size=4 learner.quantiles=4 "
    "value_model.width=8 value_model.blocks=0 fit.chunk=1 evaluate.pairs=4 evaluate.steps=5 evaluate.values=[0.95]"
)
TEXT = "no table\n"
BROKEN = "[recipes\n"
LAYOUT = "[recipes.ipd.naive.default]\nlerner = { rate = 1.0 }\n"
CIRCLE = '[recipes.ipd.naive.default]\nbase = "other"\n[recipes.ipd.naive.other]\nbase = "default"\n'
RATES = '[recipes.ipd.naive.default]\nlearner = { rate = "fast" }\n'


def setting(*given):
    return [text for each in given for text in ("--set", each)]


CASES = {
    "unknown game": (["--game", "ipdd", "--learner", "meva"], "unknown game 'ipdd' - did you mean 'ipd'?"),
    "unknown learner": ([*IPD, "mevaa"], "unknown learner 'mevaa' - did you mean 'meva'?"),
    "unknown recipe": ([*MEVA, "--recipe", "papr"], "unknown recipe 'papr' for meva on ipd - did you mean 'paper'?"),
    "recipe of another": ([*NAIVE, "--recipe", "paper"], "unknown recipe 'paper' for naive on ipd"),
    "unknown opponent": ([*MEVA, "--opponent", "lolla"], "unknown learner 'lolla' - did you mean 'lola'?"),
    "unknown plugin": (["--game", "nosuch:ipd", "--learner", "naive"], "unknown game 'nosuch:ipd'"),
    "unknown setting": ([*NAIVE, *setting("learner.raet=1")], "'raet' @ learner - did you mean 'rate'?"),
    "unknown section": ([*NAIVE, *setting("nosuch.section=1")], "expected SECTION.NAME, got 'nosuch.section'"),
    "unknown setting of a fit": ([*NAIVE, *setting("fit.sed=1")], "'sed' @ fit - did you mean 'seed'?"),
    "section alone": ([*NAIVE, *setting("learner=1")], "expected learner.NAME, got 'learner'"),
    "deeper path": ([*NAIVE, *setting("learner.rate.x=1")], "unknown hyper-parameter 'rate.x' @ learner"),
    "text for a number": ([*NAIVE, *setting("learner.rate=fast")], "expected float, got 'fast' (str) @ learner.rate"),
    "half for whole": ([*MEVA, *setting("learner.loops=2.5")], "expected int, got 2.5 (float) @ learner.loops"),
    "truth for whole": ([*MEVA, *setting("learner.loops=true")], "expected int, got True (bool) @ learner.loops"),
    "nan": ([*NAIVE, *setting("learner.rate=nan")], "within single precision, got nan @ learner.rate"),
    "infinity": ([*NAIVE, *setting("learner.rate=1e999")], "within single precision, got inf @ learner.rate"),
    "a broken list": ([*NAIVE, *setting("evaluate.values=[0.5,")], "expected list of floats, got '[0.5,' (str)"),
    "no loops": ([*MEVA, *setting("learner.loops=0")], "between 1 and 1000000000, got 0 @ learner.loops"),
    "negative rate": ([*NAIVE, *setting("learner.rate=-1")], "expected > 0 and finite, got -1.0 @ learner.rate"),
    "discount": ([*MEVA, *setting("learner.discount=1.5")], "between 0 and 1, got 1.5 @ learner.discount"),
    "discounts": ([*MEVA, *setting("learner.discount=[0.5,0.5,0.5]")], "one for each of 2 players"),
    "game's discount": ([*NAIVE, *setting("game.discount=1")], "got 1.0 @ game.discount"),
    "unknown variant": (
        [*IPD, "lola", *setting("learner.variant=exakt")],
        "'taylor', got 'exakt'",
    ),
    "ragged table": ([*NAIVE, *setting("game.table=[[1,2],[3]]")], "@ game.table"),
    "stride": ([*MEVA, *setting("learner.stride=7")], "expected stride to divide trajectory, got stride 7"),
    "equivariant, two rules": (
        [*MEVA, "--opponent", "naive", *setting("value_model.equivariant=true")],
        "one rule in all seats for value_model.equivariant = true",
    ),
    "too many opponents": ([*MEVA, "--opponent", "naive", "--opponent", "lola"], "ipd has 2 players"),
    "opponent's number": (
        [*MEVA, "--opponent", "naive", *setting("opponent.2.rate=1")],
        "expected an opponent from 1 to 1, got 2 @ opponent.2.rate",
    ),
    "no opponent": ([*MEVA, *setting("opponent.rate=1")], "expected --opponent NAME with opponent.rate"),
    "a part it has not": (
        [*NAIVE, *setting("value_model.width=8")],
        "expected a learner with a part value_model",
    ),
    "unknown explorer": ([*MEVA, *setting("explorer.name=sing_flip")], "unknown explorer 'sing_flip' - did you mean"),
    "unknown model": ([*MEVA, *setting("value_model.name=nosuch")], "unknown value model 'nosuch'"),
    "model's own setting": ([*MEVA, *setting("value_model.outputs=3")], "'outputs' @ value_model"),
    "value model of a learner without": (
        [*NAIVE, "--value-model", "fingerprint"],
        "expected a learner with a part value_model, got value_model.name: naive has none",
    ),
    "value model that asks no one": (
        ["--game", "logistic", "--learner", "meva", "--value-model", "fingerprint"],
        "expected a game that is played, or one with rules() and to_logits(), for fingerprints of policies, got",
    ),
    "unknown policy": ([*NAIVE, "--policy", "mlpp"], "unknown policy 'mlpp' - did you mean 'mlp'?"),
    "policy's setting alone": (
        [*NAIVE, *setting("policy.width=8")],
        "expected --policy NAME with policy.width, got none",
    ),
    "policy without units": (
        [*NAIVE, "--policy", "mlp", *setting("policy.width=0")],
        "expected between 1 and 4096, got 0 @ policy.width",
    ),
    "policy of a game without states": (
        ["--game", "logistic", "--learner", "naive", "--policy", "mlp"],
        "expected a game that shows its players a state for policies of another kind, got Logistic: leave --policy out",
    ),
    "policy with memory": ([*NAIVE, "--policy", "gru"], "expected policies without memory for the exact payoffs of"),
    "strategy of a network": (
        [*IPD, "fixed", "--policy", "mlp", *setting("learner.strategy=tit_for_tat")],
        "expected --policy table with learner.strategy = 'tit_for_tat', got MLP",
    ),
    "probabilities of a network": (
        [*IPD, "fixed", "--policy", "mlp", *setting("learner.probabilities=[1, 0, 1, 0, 1]")],
        "expected --policy table with learner.probabilities, got MLP",
    ),
    "experiment and part": (["broken.toml", "--explorer", "none"], "got both"),
    "part of what is resumed": (["--resume", "out", "--value-model", "fingerprint"], "got other options"),
    "experiment and policy": (["broken.toml", "--policy", "mlp"], "got both"),
    "no seeds": ([*NAIVE, "--seeds", "0"], "got 0 @ fit.seeds"),
    "negative seed": ([*NAIVE, "--seed", "-1"], "got -1 @ fit.seed"),
    "huge seed": ([*NAIVE, "--seed", "99999999999999999999"], "got 99999999999999999999 @ fit.seed"),
    "seed beyond 32 bits": ([*NAIVE, "--seed", "4294967296"], "got 4294967296 @ fit.seed"),
    "text for a seed": ([*NAIVE, "--seed", "one"], "'one' is not a valid integer"),
    "nothing": ([], "expected --game and --learner"),
    "no game": (["--learner", "naive"], "expected --game and --learner"),
    "no learner": (["--game", "ipd"], "expected --game and --learner"),
    "no equals": ([*NAIVE, *setting("learner.rate")], "expected --set SECTION.NAME=VALUE, got 'learner.rate'"),
    "no value": ([*NAIVE, *setting("learner.rate=")], "expected --set SECTION.NAME=VALUE, got 'learner.rate='"),
    "whole number of 5000 digits": ([*NAIVE, *setting(f"learner.rate={'1' * 5000}")], "digits"),
    "and in hexadecimal": (
        [*NAIVE, *setting(f"learner.rate=0x{'f' * 5000}")],
        "got a whole number of more than 64 bits",
    ),
    "a deep list": (
        [*NAIVE, *setting(f"learner.rate={'[' * 999}{']' * 999}")],
        "nested more than 50 deep @ learner.rate",
    ),
    "two values": ([*NAIVE, *setting("learner.rate=1\nb=2")], r"expected float, got '1\nb=2' (str) @ learner.rate"),
    "a line break": ([*NAIVE, "--out", "broken.toml/\nx"], r"got broken.toml/\nx"),
    "a long name": (["--game", "x" * 9999, "--learner", "naive"], "xxx ... xxx"),
    "beyond any memory": (
        [*MEVA, *setting("value_model.width=10000")],
        "between 1 and 4096, got 10000 @ value_model.width",
    ),
    "beyond single precision": ([*NAIVE, *setting("learner.rate=1e39")], "within single precision, got 1e+39 @"),
    "no pairs": ([*NAIVE, *setting("evaluate.pairs=0")], "between 1 and 10000000, got 0 @ evaluate.pairs"),
    "rows out of range": ([*MEVA, *setting("evaluate.values=[0.5,2.0]")], "got 2.0 @ evaluate.values"),
    "an exact fit against a learner from episodes": (
        [*MEVA, "--sampled", "--opponent", "ppo", *setting("fit.exact=true")],
        "expected fit.self_play=true with fit.exact=true, since ppo learns from episodes",
    ),
    "row of another type": (
        [*MEVA, *setting("evaluate.values=3")],
        "expected list of floats, got 3 (int) @ evaluate.values: write [3]",
    ),
    "unknown against": (
        [*MEVA, *setting("evaluate.shaping.against=naiv")],
        "unknown learner 'naiv' - did you mean 'naive'?",
    ),
    "unfit against": ([*IPD, "lola", *setting("evaluate.shaping.against=meva")], "evaluate.shaping.against"),
    "unknown option": (["--gaem", "ipd"], "No such option '--gaem'. Did you mean '--game'?"),
    "option without value": ([*NAIVE, "--out"], "'--out' requires an argument"),
    "nothing to resume": (
        ["--resume", "nosuch"],
        "an experiment.toml to resume, got nosuch",
    ),
    "resume and names": (["--resume", "nosuch", "--game", "ipd"], "expected --resume DIR with at most --"),
    "resume and out": (["--resume", "nosuch", "--out", "other"], "expected --resume DIR with at most --"),
    "resume and devices": (["--resume", "nosuch", "--devices", "2"], "expected --resume DIR with at most --"),
    "no devices": ([*NAIVE, "--devices", "0"], "0 is not in the range x>=1"),
    "no such device": ([*NAIVE, "--device", "tpu"], "'tpu' is not one of 'cpu', 'gpu'"),
    "resume and recipe": (
        ["--resume", "nosuch", "--recipe", "paper"],
        "expected --resume DIR with at most --set",
    ),
    "no experiment": (["nosuch.toml"], "expected a readable TOML file at nosuch.toml, got: No such file"),
    "experiment is a folder": (["."], "expected a file, got the folder .: write experiment.toml to run it again"),
    "broken experiment": (["broken.toml"], "expected TOML in broken.toml"),
    "empty experiment": (["empty.toml"], "expected schema 3, got None @ empty.toml"),
    "experiment and names": (["broken.toml", "--game", "ipd"], "got both"),
    "experiment and recipe": (["broken.toml", "--recipe", "paper"], "got both"),
    "no registry": ([*NAIVE, "--registry", "nosuch.toml"], "expected a readable TOML file at nosuch.toml"),
    "broken registry": ([*NAIVE, "--registry", "broken.toml"], "expected TOML in broken.toml"),
    "registry's layout": ([*NAIVE, "--registry", "layout.toml"], "unknown key 'lerner' - did you mean 'learner'?"),
    "registry's circle": (
        [*NAIVE, "--registry", "circle.toml"],
        "expected a chain of bases that ends, got a circle default -> other -> default",
    ),
    "registry's types": ([*NAIVE, "--registry", "rates.toml"], "expected float, got 'fast' (str) @ learner.rate"),
    "out is a file": ([*NAIVE, "--out", "broken.toml"], "expected a new or empty folder for --out, got broken.toml"),
    "out below a file": ([*NAIVE, "--out", "broken.toml/x"], "expected a folder that can be written"),
    "out is full": ([*NAIVE, "--out", "full"], "expected a new or empty folder for --out, got full"),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to be careless in."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "broken.toml": BROKEN,
        "layout.toml": LAYOUT,
        "circle.toml": CIRCLE,
        "rates.toml": RATES,
        "empty.toml": "",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    return tmp_path


def everything(folder):
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def assert_explained(outcome, said):
    """One line, exit code 2."""
    assert outcome.code == 2, outcome
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line_and_nothing_touched(case, meva_run, place):
    arguments, said = CASES[case]
    before = everything(place)
    assert_explained(meva_run(*arguments), said)
    assert everything(place) == before


@pytest.mark.parametrize("quiet", [(), ("--quiet",)], ids=["loud", "quiet"])
def test_a_fit_that_turns_nan(meva_run, place, quiet):
    given = setting(*SMALL.split(), "learner.optimiser_rate=1e30")
    outcome = meva_run(*MEVA, *given, "--seed", 7, "--out", "out", *quiet)
    assert_explained(outcome, "seed 7 diverged in loop ")
    for said in ("is not a finite number", "steps are probably too large", "lower the step sizes of the learner"):
        assert said in outcome.err
    assert not (place / "out" / "summary.json").exists()
    if quiet:
        assert outcome.out == ""


def test_a_match_that_turns_nan_is_no_crash(meva_run, place):
    """A rule without a fit: its row says so."""
    given = ["evaluate.pairs=4", "evaluate.steps=5", "evaluate.basins.grid=3", "evaluate.basins.steps=4"]
    given += ["evaluate.best_response.steps=3", "learner.rate=1e30"]
    outcome = meva_run("--game", "logistic", "--learner", "naive", *setting(*given), "--out", "out")
    assert outcome.code in (0, 2)
    assert "diverged" in outcome.out + outcome.err
    assert "Traceback" not in outcome.err
    assert "(steps are probably too large: lower learner.rate)" in outcome.err


@pytest.mark.parametrize("error", [MemoryError("17 TiB"), RuntimeError("RESOURCE_EXHAUSTED: Out of memory")])
def test_too_little_memory(meva_run, place, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(runner, "run_experiment", refuse)
    outcome = meva_run(*NAIVE)
    assert outcome.code == 1
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: not enough memory (")
    assert "use less" in line
