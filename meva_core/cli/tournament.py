"""The command `meva tournament`."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meva_core.cli import completion
from meva_core.cli.run import parse_settings
from meva_core.errors import BadValue

if TYPE_CHECKING:
    from meva_core.studies.meetings import Met


@click.command(
    "tournament",
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="Let every learner play every learner.",
)
@click.option(
    "--game",
    "games",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.of("game"),
    help="Game to play; repeat for several.",
)
@click.option(
    "--learners",
    metavar="WHO,WHO,...",
    shell_complete=completion.of("learner", several=True),
    help="Learners (see: meva list learner) and strategies of the game. A learner can have settings, "
    "lola:look_ahead_rate=50, and a label, slow=naive:rate=5.",
)
@click.option(
    "--policy",
    metavar="NAME",
    shell_complete=completion.of("policy"),
    help="Meaning of the numbers of all players (see: meva list policy) [default: the games' own].",
)
@click.option(
    "--sampled",
    is_flag=True,
    help="Play the games in episodes, from which learners learn; the numbers of an episode are sample.NAME in --set. "
    "Games without exact payoffs, and learners of episodes, do so in any case.",
)
@click.option(
    "--trials", type=int, metavar="N", help="Number of matches per pair, and per seed [default: 1024; 4 if played]."
)
@click.option("--steps", type=int, metavar="N", help="Number of steps per match [default: 300; 200 if played].")
@click.option("--seed", type=int, metavar="N", help="First random seed [default: 0].")
@click.option(
    "--seeds",
    type=int,
    metavar="N",
    help="Number of seeds: of every learner that needs a fit, and of all matches of games that are played "
    "[default: 5].",
)
@click.option(
    "--evaluate",
    "evaluations",
    metavar="NAME,NAME,...",
    shell_complete=completion.of("evaluation", several=True),
    help="Evaluations (see: meva list evaluation) of what each learner has become in its matches with itself: "
    "best_response, or trained_response in games that are played.",
)
@click.option(
    "--recipe",
    metavar="NAME",
    help="Recipe of this name for every learner that has one; the default recipe for others [default: tournament].",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    callback=parse_settings,
    help="Set a hyper-parameter: of one learner, LEARNER.NAME=VALUE or LEARNER.PART.NAME=VALUE; of the game, "
    "game.NAME=VALUE; of the policies, policy.NAME=VALUE; of the episodes, sample.NAME=VALUE; of an evaluation, "
    "evaluate.EVALUATION.NAME=VALUE; or of this part of all learners, PART.NAME=VALUE.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New folder for the results [default: runs/tournament-TIME].",
)
@click.option("--resume", type=click.Path(path_type=Path), metavar="DIR", help="Resume the tournament in this folder.")
@click.option(
    "--fits",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder in which fits are stored and reused [default: DIR/fits].",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of matches and fits at a time, each in its own process [default: one, on all cores].",
)
@click.option(
    "--executor",
    metavar="WHERE",
    shell_complete=completion.of("executor"),
    help="Machines that compute the matches (see: meva list executor), with settings if need be, "
    "dask:scheduler=tcp://HOST:8786 [default: processes, of this machine].",
)
@click.option(
    "--registry", "registry_file", type=click.Path(path_type=Path), metavar="FILE", help="File with your own recipes."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def tournament_command(
    games: tuple[str, ...],
    learners: str | None,
    policy: str | None,
    sampled: bool,
    trials: int | None,
    steps: int | None,
    seed: int | None,
    seeds: int | None,
    evaluations: str | None,
    recipe: str | None,
    overrides: dict[str, Any],
    out: Path | None,
    resume: Path | None,
    fits: Path | None,
    jobs: int | None,
    executor: str | None,
    registry_file: Path | None,
    quiet: bool,
) -> int:
    """Let every learner play every learner. Learners that need a fit are fitted against the rule that they play.

    \b
    meva tournament --game ipd --learners naive,lola,m_maml,meva
    meva tournament --game ipd --learners tit_for_tat,extortion:factor=2,naive,lola,lola:look_ahead_rate=50
    meva tournament --game ipd --game chicken --learners naive,lola --trials 256
    meva tournament --game ipd --sampled --learners naive,ppo,lola,tit_for_tat --evaluate best_response
    """
    numbers = {"trials": trials, "steps": steps, "seed": seed, "seeds": seeds, "recipe": recipe}
    options: dict[str, Any] = {name: value for name, value in numbers.items() if value is not None}
    options |= {"sampled": True} if sampled else {}
    if evaluations is not None:
        options["evaluate"] = tuple(name.strip() for name in evaluations.split(",") if name.strip())
        if not options["evaluate"]:
            raise BadValue(f"expected names of evaluations for --evaluate, got {evaluations!r}")
    if policy is not None:
        overrides = {"policy.name": policy, **overrides}
    if resume is not None and (games or learners or options or overrides or out or registry_file):
        raise BadValue("expected --resume DIR alone: the folder's tournament.toml holds everything else")
    if resume is None and not (games and learners):
        raise BadValue("expected --game and --learners, or --resume DIR; see meva tournament --help")

    from meva_core import runner
    from meva_core.cli import overview
    from meva_core.compute import devices
    from meva_core.storage import locks
    from meva_core.studies import entrants, executing, meetings, tournament_folder, tournament_settings

    backend = executing.chosen(executor)
    if resume is not None:
        begun = tournament_settings.read(resume)
        executing.prepare(jobs or 1, backend, devices.recorded(resume / "tournament.toml"))
        settings, registry_file, fits = begun.tournament, begun.registry_file, fits or begun.fits
    else:
        executing.prepare(jobs or 1, backend)
        texts = tuple(entrants.split(learners or ""))
        settings = tournament_settings.Tournament(games=games, learners=texts, overrides=overrides, **options)
    registry, files = runner.plugins(registry_file)
    if resume is None:
        settings = meetings.settled(registry, files, settings)
    planned = meetings.meetings(registry, files, settings)
    folder = resume or out or Path("runs") / f"tournament-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    screen = Standings(folder, quiet, len(planned))
    if resume is None:
        tournament_folder.check_new(folder)
    else:
        tournament_folder.warn_of_changes(folder, begun, screen.fits.warn)
    try:
        with locks.alone(folder):
            if resume is None:
                tournament_folder.create(folder, settings, registry_file, fits, jobs=jobs, executor=backend)
            fits = fits or folder / "fits"
            results = tournament_folder.make(
                settings, planned, folder, fits, screen.fits, screen.met,
                jobs=jobs, executor=backend, overview=overview.Screen(quiet=quiet),
            )  # fmt: skip
        screen.finished(results)
    except (KeyboardInterrupt, OSError) as error:
        return screen.fits.left(error, "meva tournament", "tournament.toml")
    return 0


class Standings:
    """The screen of a tournament: a line per match, then the tables."""

    def __init__(self, out: Path, quiet: bool, of: int):
        from meva_core.cli.screen import Screen

        self.out, self.count, self.of = out, 0, of
        self.began = time.monotonic()
        self.fits = Screen(out, quiet=quiet)
        self.console = self.fits.console

    def met(self, met: Met) -> None:
        """Print the result of a match that has ended."""
        from meva_core.studies.standings import mean_of

        self.fits.close()
        first, second = (f"{mean_of(met.payoffs[..., seat]):.4g}" for seat in (0, 1))
        meeting = met.meeting
        self.count += 1
        seconds, self.began = time.monotonic() - self.began, time.monotonic()
        self.console.print(
            f"{self.count:>{len(str(self.of))}}/{self.of}  {meeting.game}: "
            f"{meeting.row} {first}, {meeting.column} {second}  ({seconds:.0f} s)",
            markup=False,
        )

    def finished(self, results: dict[str, Any]) -> None:
        """Print the tables and the files."""
        from rich.padding import Padding

        from meva_core.studies import standings_report

        self.console.print()
        for game in results["games"]:
            self.console.print(standings_report.table(results, game))
        self.console.print(standings_report.note(results), style="dim", markup=False)
        self.console.print(f"\nwritten to {self.out}", markup=False)
        numbers = "cells.csv  seeds.csv  statistics.csv  summary.json"
        files = f"report.html  {numbers}  tournament.toml  references.bib  figures/"
        self.console.print(Padding(files, (0, 0, 0, 2)))
