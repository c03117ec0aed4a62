"""The command `meva export`."""

from __future__ import annotations

from pathlib import Path

import click

from meva_core.errors import BadValue


@click.command("export", short_help="Write a run's learners as programs without MeVa.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="New folder [default: DIR/export].")
@click.option("--seed", type=int, metavar="N", help="Seed of the fit [default: the run's first].")
@click.option(
    "--platforms", metavar="NAME,...", help="Platforms of the programs: cpu, cuda, rocm, tpu [default: this machine's]."
)
def export_command(folder: Path, out: Path | None, seed: int | None, platforms: str | None) -> None:
    """Write the learners and networks of a finished run as programs that run without MeVa, where only jax and
    flatbuffers are installed. contents.json in the folder says what each takes and gives.

    \b
    meva export runs/ipd-meva-...
    meva export runs/ipd-meva-... --seed 3 --platforms cpu,cuda
    """
    names = None if platforms is None else [name.strip() for name in platforms.split(",") if name.strip()]
    if names == []:
        raise BadValue(f"expected names of platforms, such as cpu,cuda, got {platforms!r}")

    from meva_core.bridges import exporting
    from meva_core.cli.screen import console

    out = out or folder / "export"
    contents = exporting.export_run(folder, out, seed=seed, platforms=names)
    console().print(f"written to {out}\n  contents.json  {'  '.join(contents['programs'])}", markup=False)
