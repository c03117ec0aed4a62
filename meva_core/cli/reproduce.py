"""`meva reproduce`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from meva_core.errors import INTERRUPTED, BadCombination, BadValue


@click.command("reproduce", short_help="Make what a publication reports anew.")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="All there are.")
@click.option("--quick", is_flag=True, help="Fewer seeds and points: the same picture in minutes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reproductions"),
    show_default=True,
    metavar="DIR",
    help="A folder per reproduction, and in runs/ one per run, used again.",
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

    planned = [(reproduction, _planned(known, files, reproduction, quick)) for reproduction in asked]

    from meva_core.cli.screen import console as make_console

    console = make_console(quiet=quiet)
    try:
        for reproduction, experiment_of in planned:
            console.print(f"[bold]{reproduction.name}[/bold]  {reproduction.title} ({reproduction.source})")
            folders = {
                label: _made(experiment, known, out / "runs" / experiment.hash, label, console, quiet)
                for label, experiment in experiment_of.items()
            }
            _write(reproduction, quick, folders, out / reproduction.name, console)
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on from here", err=True)
        return INTERRUPTED
    return 0


def _planned(known: Any, files: Any, asked: Any, quick: bool) -> dict[str, Any]:
    """The experiment of each run, by label; all is composed and held against, so that bad input costs no fit."""
    from meva_core import evaluate, reproductions
    from meva_core import experiment as experiments
    from meva_core.compose import compose

    found, settings = {}, {}
    for run in asked.runs:
        overrides = {**run.overrides, **(run.quick if quick else {})}
        experiment = experiments.resolve(
            known, files, game=run.game, learner=run.learner, opponents=run.opponents, recipe=run.recipe,
            overrides=overrides,
        )  # fmt: skip
        composition = compose(known, experiment)
        found[run.label], settings[run.label] = experiment, evaluate.plan(known, experiment, composition).values
        if asked.picture != "payoffs" and composition.game.plane is None:
            raise BadCombination(
                f"expected games that have {asked.picture} to draw in {asked.name}, got {run.game} in run {run.label}"
            )
    reproductions.check(asked, settings)
    return found


def _made(experiment: Any, known: Any, folder: Path, label: str, console: Any, quiet: bool) -> Path:
    """The finished folder of a run: as it is, gone on with, or made."""
    from meva_core import runner
    from meva_core.cli.screen import Screen

    if (folder / "report.html").is_file():  # written last
        console.print(f"  {label}: there already")
        return folder
    console.print(f"  {label}")
    screen = Screen(folder, quiet=quiet)
    try:
        runner.run_experiment(
            experiment, known, out=folder, resume=(folder / "experiment.toml").is_file(), progress=screen
        )
    finally:
        screen.close()
    return folder


def _write(asked: Any, quick: bool, folders: dict[str, Path], out: Path, console: Any) -> None:
    from meva_core import reproductions
    from meva_core.report import page, reproduction
    from meva_core.report.folder import read_summary, write_atomically

    out.mkdir(parents=True, exist_ok=True)
    told = {label: read_summary(folder) for label, folder in folders.items()}
    hashes = {label: content["hash"] for label, content in told.items()}
    found = reproduction.summary(asked, quick, hashes, reproductions.verdicts(asked, told))
    write_atomically(out / "summary.json", json.dumps(found, indent=1, allow_nan=False) + "\n")
    write_atomically(out / "claims.csv", reproduction.as_csv(found))
    reproduction.draw(asked, folders, out / "figures")
    write_atomically(out / "report.html", page.of_reproduction(out))
    for line in reproduction.lines(found):
        console.print(line, markup=False)
    console.print(f"  {reproduction.held(found)}; written to {out / 'report.html'}\n", markup=False)
