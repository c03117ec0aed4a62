"""Names, numbers and settings, as typed."""

from hypothesis import given
from hypothesis import strategies as st
from inputs import GAMES, LEARNERS, NAMES, RECIPES, TEXTS, TYPED, nearly, settings_of, tries


def options(names, values):
    """["--name", value, ...], each at most once."""
    return st.lists(st.sampled_from(names), max_size=4, unique=True).flatmap(
        lambda chosen: st.tuples(*(st.tuples(st.just(name), values[name]) for name in chosen)).map(
            lambda pairs: [text for pair in pairs for text in pair if text is not None]
        )
    )


FILES = nearly(["out", "other/out", "mine.toml", "a/b/c"]).filter(lambda name: ".." not in name and name[:1] != "/")
RUN = {
    "--recipe": RECIPES,
    "--seed": TYPED,
    "--seeds": TYPED,
    "--opponent": LEARNERS,
    "--out": FILES,
    "--resume": FILES,
}
RUN |= {
    "--registry": FILES,
    "--device": nearly(["cpu", "gpu"]),
    "--devices": TYPED,
    "--quiet": st.none(),
    "--set": TEXTS,
}


@tries(90)
@given(game=st.sampled_from(NAMES["game"]), learner=st.sampled_from(NAMES["learner"]), data=st.data())
def test_settings(ask, game, learner, data):
    given = data.draw(st.lists(settings_of(game, learner), max_size=2))
    ask("meva-run", "--game", game, "--learner", learner, *(text for each in given for text in ("--set", each)))


@tries(60)
@given(learners=st.lists(st.sampled_from(NAMES["learner"]), min_size=2, max_size=3), data=st.data())
def test_settings_of_opponents(ask, learners, data):
    own, *others = learners
    game = data.draw(st.sampled_from(["ipd", "tandem"] if len(others) == 1 else ["public_goods"]))
    arguments = ["--game", game, "--learner", own, *(text for name in others for text in ("--opponent", name))]
    for name in others:
        section = data.draw(
            st.sampled_from([*["opponent"] * 4, "opponent.1", "opponent.2", "opponent.x", "opponent.1e9"])
        )
        arguments += ["--set", data.draw(settings_of(game, name, section))]
    ask("meva-run", *arguments)


@tries(60)
@given(game=GAMES, learner=LEARNERS, more=options(sorted(RUN), RUN))
def test_options_of_a_run(ask, game, learner, more):
    ask("meva-run", "--game", game, "--learner", learner, *more)


TOURNAMENT = {"--trials": TYPED, "--steps": TYPED, "--seed": TYPED, "--seeds": TYPED, "--recipe": RECIPES}
TOURNAMENT |= {"--out": FILES, "--fits": FILES, "--resume": FILES, "--registry": FILES, "--game": GAMES}


@tries(50)
@given(
    game=GAMES,
    learners=st.lists(st.sampled_from(NAMES["learner"]), min_size=1, max_size=2) | st.lists(LEARNERS, max_size=3),
    more=options(sorted(TOURNAMENT), TOURNAMENT),
    data=st.data(),
)
def test_tournaments(ask, game, learners, more, data):
    given = (
        ["--set", data.draw(settings_of("ipd", learners[0], learners[0]))] if learners[:1] in NAMES["learner"] else []
    )
    ask("meva", "tournament", "--game", game, "--learners", ",".join(learners), *more, *given)


WORDS = nearly([*NAMES["game"], *NAMES["learner"], *NAMES, "figure-1", "figure-2b", "tournament", "--all", "--quick"])


@tries(90)
@given(
    command=st.sampled_from(["list", "show", "cite", "compare", "report", "reproduce", "sweep", "search"]) | TEXTS,
    words=st.lists(WORDS | st.sampled_from(["--registry", "--out", "--csv", "--jobs", "--help"]), max_size=4),
)
def test_other_commands(ask, command, words):
    ask("meva", command, *words)
