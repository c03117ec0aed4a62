"""The command `meva verify`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meva_core.errors import BadFolder

if TYPE_CHECKING:
    from meva_core.cli.screen import Screen
    from meva_core.studies.verify import Compared

DIFFERENT = 1


@click.command("verify", short_help="Repeat a run or tournament, and compare.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="Print nothing but errors; the exit code is the result.")
def verify_command(folder: Path, quiet: bool) -> int:
    """Repeat a finished run or tournament from scratch, and compare tables, policies (or matches) and curves.

    The exit code is 0 if all numbers are equal bit by bit, as they are on the same machine with the same versions, and
    1 if not. Nothing in DIR is changed.
    """
    from meva_core.cli.screen import Screen
    from meva_core.compute import devices
    from meva_core.experiment import reading
    from meva_core.registry.toml_reading import read_toml
    from meva_core.storage import provenance

    kinds = {"experiment.toml": _run, "tournament.toml": _tournament}
    written = next((folder / name for name in kinds if (folder / name).is_file()), None)
    if not folder.is_dir():
        raise BadFolder(f"expected the folder of a finished run or tournament, got {folder}, which is not a folder")
    if written is None:
        raise BadFolder(
            f"expected the folder of a run or a tournament, got {folder} without {' or '.join(kinds)} (the runs of a "
            "reproduction or a sweep are in runs/ next to it)"
        )
    if not (folder / "summary.json").is_file():
        if written.name == "experiment.toml":
            reading.check_schema(read_toml(written), written)  # only the version that began a run can finish it
        raise BadFolder(f"expected a finished run, got {folder} without summary.json: finish it with --resume {folder}")
    devices.prepare(again=devices.recorded(written))
    was = read_toml(written).get("run", {})
    screen = Screen(folder, quiet=quiet)
    compared = kinds[written.name](folder, screen)
    screen.console.print()
    for one in compared:
        screen.console.print(str(one), markup=False)
    if not any(one.different for one in compared):
        return 0
    changes = provenance.changes(was) if isinstance(was, dict) else []
    why = f"in another environment: {', '.join(changes)}" if changes else "on this platform, with these versions"
    screen.console.print(f"\n{folder} differs from the results here; it was made {why}", markup=False)
    return DIFFERENT


def _run(folder: Path, screen: Screen) -> list[Compared]:
    from meva_core import runner
    from meva_core.experiment import reading
    from meva_core.studies import verify

    registry, _ = runner.plugins()
    resolved = reading.read(registry, folder / "experiment.toml")
    stored = verify.read_run(folder, resolved.hash)
    if resolved.changed_versions:
        screen.warn(
            f"{folder} was made with other versions, so its code may differ: {', '.join(resolved.changed_versions)}"
        )
    return verify.run(runner.run_experiment(resolved, progress=screen), stored)


def _tournament(folder: Path, screen: Screen) -> list[Compared]:
    from meva_core import runner
    from meva_core.studies import meetings, tournament_folder, tournament_settings, verify

    begun, stored = tournament_settings.read(folder), verify.read_tournament(folder)
    registry, files = runner.plugins(begun.registry_file)
    settings, planned = begun.tournament, meetings.meetings(registry, files, begun.tournament)
    with tempfile.TemporaryDirectory() as again:
        tournament_folder.make(settings, planned, Path(again), Path(again) / "fits", screen)
        return verify.tournament(stored, verify.read_tournament(Path(again)))
