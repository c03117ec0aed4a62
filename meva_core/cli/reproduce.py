"""`meva reproduce`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import click

from meva_core.errors import INTERRUPTED, BadCombination, BadValue, Diverged


@click.command("reproduce", short_help="Make what a publication reports anew.")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="All there are.")
@click.option("--quick", is_flag=True, help="Fewer seeds and points, shorter fits: the picture in minutes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reproductions"),
    show_default=True,
    metavar="DIR",
    help="A folder per reproduction; runs/ and fits/ are used again.",
)
@click.option(
    "--registry", "registry_file", type=click.Path(path_type=Path), metavar="FILE", help="Reproductions of your own."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def reproduce_command(
    names: tuple[str, ...], everything: bool, quick: bool, out: Path, registry_file: Path | None, quiet: bool
) -> int:
    """Make what a publication reports anew, and say how close it came.

    \b
    meva reproduce figure-2b
    meva reproduce --all --quick

    Asked again, it goes on where it was stopped: finished runs are only read.
    """
    from meva_core import reproductions, runner

    known, files = runner.plugins(registry_file)
    there = reproductions.names(files)
    if everything == bool(names):
        raise BadValue(f"expected names, or --all, one of the two: there are {', '.join(there)}")
    asked = [reproductions.find(files, name) for name in (there if everything else dict.fromkeys(names))]

    planned = [(reproduction, planned_runs(known, files, reproduction, quick, registry_file)) for reproduction in asked]

    from meva_core.cli.screen import console as make_console

    console = make_console(quiet=quiet)
    try:
        for reproduction, jobs in planned:
            console.print(f"[bold]{reproduction.name}[/bold]  {reproduction.title} ({reproduction.source})")
            folders = {}
            for label, job in jobs.items():
                folder = out / "runs" / job.hash
                if (folder / "report.html").is_file():  # written last
                    console.print(f"  {label}: there already")
                else:
                    console.print(f"  {label}")
                    try:
                        job.make(known, folder, out / "fits", quiet)
                    except Diverged as error:  # which is an answer too
                        console.print(f"  {label} is left out: {error}", markup=False)
                        continue
                folders[label] = folder
            _write(reproduction, quick, folders, out / reproduction.name, console)
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on from here", err=True)
        return INTERRUPTED
    return 0


@attrs.frozen
class _Run:
    """What meva-run would do; the folder is gone on with where it is there."""

    experiment: Any

    @property
    def hash(self) -> str:
        return self.experiment.hash

    def make(self, known: Any, folder: Path, fits: Path, quiet: bool) -> None:
        from meva_core import runner
        from meva_core.cli.screen import Screen

        there = (folder / "experiment.toml").is_file()
        screen = Screen(folder, quiet=quiet)
        try:
            runner.run_experiment(self.experiment, known, out=folder, fits=fits, resume=there, progress=screen)
        finally:
            screen.close()


@attrs.frozen
class _Tournament:
    """What meva tournament would do."""

    asked: Any
    meetings: Any
    registry_file: Path | None

    @property
    def hash(self) -> str:
        from meva_core.experiment import hash_of

        numbers = {"trials": self.asked.trials, "steps": self.asked.steps}
        return hash_of({**numbers, "meetings": [meeting.hashes for meeting in self.meetings]})

    def make(self, known: Any, folder: Path, fits: Path, quiet: bool) -> None:
        from meva_core.cli import tournament

        if not (folder / "tournament.toml").is_file():
            tournament.create(folder, self.asked, self.registry_file)
        screen = tournament.Standings(folder, quiet)
        try:
            tournament.make(known, self.asked, self.meetings, folder, fits, screen)
        finally:
            screen.fits.close()


def planned_runs(
    known: Any, files: Any, asked: Any, quick: bool, registry_file: Path | None
) -> dict[str, _Run | _Tournament]:
    """Every run, by label; all is composed and held against, so that bad input costs no fit."""
    from meva_core import reproductions

    found: dict[str, _Run | _Tournament] = {}
    settings: dict[str, Any] = {}
    for run in asked.runs:
        overrides = {**run.overrides, **(run.quick if quick else {})}
        if run.learners:
            found[run.label] = _tournament(known, files, run, overrides, registry_file)
        else:
            found[run.label], settings[run.label] = _experiment(known, files, asked, run, overrides)
    reproductions.check(asked, settings)
    return found


def _experiment(known: Any, files: Any, asked: Any, run: Any, overrides: dict[str, Any]) -> tuple[_Run, Any]:
    """The run, and its settings."""
    from meva_core import evaluate, reproductions
    from meva_core import experiment as experiments
    from meva_core.compose import compose

    experiment = experiments.resolve(
        known, files, game=run.game, learner=run.learner, opponents=run.opponents, recipe=run.recipe,
        overrides=overrides,
    )  # fmt: skip
    composition = compose(known, experiment)
    plan = evaluate.plan(known, experiment, composition)
    if asked.picture in reproductions.PLANE and composition.game.plane is None:
        raise BadCombination(
            f"expected games that have {asked.picture} to draw in {asked.name}, got {run.game} in run {run.label}"
        )
    if asked.picture == "polytope" and not plan.settings.polytope:
        raise BadCombination(f"expected evaluate.polytope above 0 to draw it in {asked.name}, got 0 in run {run.label}")
    return _Run(experiment), plan.values


def _tournament(known: Any, files: Any, run: Any, overrides: dict[str, Any], registry_file: Path | None) -> _Tournament:
    """What is set without a dot is a number of the tournament, the rest hyper-parameters."""
    from meva_core import tournament, values

    numbers = {key: value for key, value in overrides.items() if "." not in key}
    others = {key: value for key, value in overrides.items() if "." in key}
    types = {field.name: type(field.default) for field in attrs.fields(tournament.Tournament)}
    for key, value in numbers.items():
        if types.get(key) not in (int, str):
            raise BadValue(f"expected seed, seeds, trials, steps, recipe or LEARNER.NAME in set, got {key!r}")
        values.convert(value, types[key], f"set.{key}")
    asked = tournament.Tournament(games=(run.game,), learners=run.learners, overrides=others, **numbers)
    return _Tournament(asked, tournament.meetings(known, files, asked), registry_file)


def _write(asked: Any, quick: bool, folders: dict[str, Path], out: Path, console: Any) -> None:
    from meva_core import reproductions
    from meva_core.report import page, reproduction
    from meva_core.report.folder import read_summary, write_atomically

    out.mkdir(parents=True, exist_ok=True)
    told = {label: read_summary(folder) for label, folder in folders.items()}
    hashes = {label: folder.name for label, folder in folders.items()}
    lost = {run.label: None for run in asked.runs if run.label not in told}
    places = reproductions.ranked(asked.ranking, {**told, **lost}) if asked.ranking else []
    found = reproduction.summary(asked, quick, hashes, reproductions.verdicts(asked, told), places)
    write_atomically(out / "summary.json", json.dumps(found, indent=1, allow_nan=False) + "\n")
    write_atomically(out / "claims.csv", reproduction.as_csv(found))
    reproduction.draw(asked, folders, out / "figures", found)
    write_atomically(out / "report.html", page.of_reproduction(out))
    for line in reproduction.lines(found):
        console.print(line, markup=False)
    console.print(f"  {reproduction.held(found)}; written to {out / 'report.html'}\n", markup=False)
