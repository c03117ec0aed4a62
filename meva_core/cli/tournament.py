"""The command `meva tournament`."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meva_core.cli.run import parse_settings
from meva_core.errors import BadValue

if TYPE_CHECKING:
    from meva_core.studies.meetings import Met


@click.command(
    "tournament",
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="Let every learner meet every learner.",
)
@click.option("--game", "games", multiple=True, metavar="NAME", help="What is played; repeat for several.")
@click.option(
    "--learners",
    metavar="WHO,WHO,...",
    help="Who plays: learners (see: meva list learner), as they are or at settings of their own, "
    "lola:look_ahead_rate=50, with a label, slow=naive:rate=5; and strategies that the game names.",
)
@click.option("--trials", type=int, metavar="N", help="Matches per pair, and per fit [default: 1024].")
@click.option("--steps", type=int, metavar="N", help="Steps of every match [default: 300].")
@click.option("--seed", type=int, metavar="N", help="First random seed [default: 0].")
@click.option("--seeds", type=int, metavar="N", help="Independent fits of every learnt rule [default: 5].")
@click.option(
    "--recipe", metavar="NAME", help="Each learner's recipe of this name, or else its default [default: tournament]."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    callback=parse_settings,
    help="Any hyper-parameter, by learner: LEARNER.NAME=VALUE, or LEARNER.PART.NAME=VALUE; "
    "or of game, or of everybody's part of a name.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="A new folder [default: runs/tournament-TIME]."
)
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="DIR", help="Continue the tournament in this folder."
)
@click.option(
    "--fits",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where fits are kept and used again [default: DIR/fits].",
)
@click.option(
    "--registry", "registry_file", type=click.Path(path_type=Path), metavar="FILE", help="Recipes of your own."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def tournament_command(
    games: tuple[str, ...],
    learners: str | None,
    trials: int | None,
    steps: int | None,
    seed: int | None,
    seeds: int | None,
    recipe: str | None,
    overrides: dict[str, Any],
    out: Path | None,
    resume: Path | None,
    fits: Path | None,
    registry_file: Path | None,
    quiet: bool,
) -> int:
    """Let every learner meet every learner; learnt rules are fitted against the rule they meet.

    \b
    meva tournament --game ipd --learners naive,lola,m_maml,meva
    meva tournament --game ipd --learners tit_for_tat,extortion:factor=2,naive,lola,lola:look_ahead_rate=50
    meva tournament --game ipd --game chicken --learners naive,lola --trials 256
    """
    numbers = {"trials": trials, "steps": steps, "seed": seed, "seeds": seeds, "recipe": recipe}
    given = {name: value for name, value in numbers.items() if value is not None}
    if resume is not None and (games or learners or given or overrides or out or registry_file):
        raise BadValue("expected --resume DIR alone: the folder's tournament.toml holds everything else")
    if resume is None and not (games and learners):
        raise BadValue("expected --game and --learners, or --resume DIR; see meva tournament --help")

    from meva_core import runner
    from meva_core.compute import devices
    from meva_core.storage import locks, provenance
    from meva_core.studies import entrants, meetings, tournament_folder

    if resume is not None:
        begun = meetings.read(resume)
        devices.prepare(None, devices.recorded(resume / "tournament.toml"))
        asked, registry_file, fits = begun.asked, begun.registry_file, fits or begun.fits
    else:
        devices.prepare()
        texts = tuple(entrants.split(learners or ""))
        asked = meetings.Tournament(games=games, learners=texts, overrides=overrides, **given)  # type: ignore[arg-type]
    known, files = runner.plugins(registry_file)
    planned = meetings.meetings(known, files, asked)
    folder = resume or out or Path("runs") / f"tournament-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    screen = Standings(folder, quiet, len(planned))
    if resume is None:
        tournament_folder.check_new(folder)
    elif changed := provenance.changes(begun.record):
        screen.fits.warn(
            f"{folder} was begun elsewhere, and its numbers may round differently here: {', '.join(changed)}"
        )
    try:
        with locks.alone(folder):
            if resume is None:
                tournament_folder.create(folder, asked, registry_file, fits)
            found = tournament_folder.make(asked, planned, folder, fits or folder / "fits", screen.fits, screen.met)
        screen.finished(found)
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

    def finished(self, found: dict[str, Any]) -> None:
        """Print the tables and the files."""
        from meva_core.studies import standings

        self.console.print()
        for game in found["games"]:
            self.console.print(standings.table(found, game))
        self.console.print(standings.note(found), style="dim", markup=False)
        files = "report.html  cells.csv  summary.json  tournament.toml  references.bib  figures/"
        self.console.print(f"\nwritten to {self.out}\n  {files}", markup=False)
