"""The commands `meva run` and `meva-run`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meva_core.cli import completion
from meva_core.contracts.hooks import PARTS, kind_label
from meva_core.errors import BadFolder, BadValue, Diverged

if TYPE_CHECKING:
    from meva_core.experiment.experiment import Experiment


def parse_settings(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Parse the texts after --set to a dictionary. Raises BadValue for a text of another form."""
    return dict(parse_setting(text) for text in values)


def _part_options(command: Any) -> Any:
    """Add an option for every kind of part that a learner may have. Policies have one already: players have those."""
    for kind in sorted(set(PARTS) - {"policy"}, reverse=True):
        command = click.option(
            f"--{kind.replace('_', '-')}",
            kind,
            metavar="NAME",
            shell_complete=completion.of(kind),
            help=f"The learner's {kind_label(kind)}, if it has one (see: meva list {kind}) [default: the recipe's].",
        )(command)
    return command


@click.command("run", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("experiment", type=click.Path(path_type=Path), required=False)
@click.option(
    "--game", metavar="NAME", shell_complete=completion.of("game"), help="Game to play (see: meva list game)."
)
@click.option(
    "--learner",
    metavar="NAME",
    shell_complete=completion.of("learner"),
    help="Learner that plays (see: meva list learner).",
)
@click.option(
    "--opponent",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.of("learner"),
    help="Learner in the other seat [default: self-play]. If there are more players, repeat it in seat order.",
)
@click.option(
    "--sampled", is_flag=True, help="Play the game, and estimate its payoffs from episodes: --set sample.episodes=64."
)
@click.option(
    "--policy",
    metavar="NAME",
    shell_complete=completion.of("policy", several=True),
    help="Meaning of the players' numbers, a network for example (see: meva list policy), or NAME,NAME,... by seat "
    "[default: the game's own].",
)
@_part_options
@click.option(
    "--recipe",
    metavar="NAME",
    help="Named set of hyper-parameters (see: meva show learner NAME) [default: default].",
)
@click.option("--seed", type=int, metavar="N", help="First random seed [default: 0].")
@click.option("--seeds", type=int, metavar="N", help="Number of independent fits, in one program [default: 1].")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    callback=parse_settings,
    help="Set a hyper-parameter of game, learner, opponent, policy, sample, fit, evaluate or a part of the learner: "
    "learner.rate=1.5.",
)
@click.option(
    "--evaluate",
    "evaluations",
    metavar="NAME,NAME,...",
    shell_complete=completion.of("evaluation", several=True),
    help="Evaluations to run (see: meva list evaluation); the name default stands for all that run by default "
    "[default: default].",
)
@click.option(
    "--log",
    "logged",
    multiple=True,
    shell_complete=completion.of("logger", several=True),
    metavar="NAME,NAME,...",
    help="Loggers that receive the curves and results of this run (see: meva list logger), with settings of their own: "
    "--set log.NAME.SETTING=VALUE. They change no number and no hash. Tournaments, sweeps and reproductions are not "
    "logged.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New folder for the results [default: runs/GAME-LEARNER-TIME].",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Resume the run in this folder; --set learner.loops=N makes its fit longer, unless a schedule depends on it.",
)
@click.option(
    "--registry",
    "registry_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with your own recipes, which come before the shipped ones.",
)
@click.option(
    "--device", type=click.Choice(["cpu", "gpu"]), help="Device that computes [default: a GPU if there is one]."
)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of devices that share every batch [default: all; on a CPU one per core, at most 8].",
)
@click.option(
    "--on-divergence",
    type=click.Choice(["stop", "continue"]),
    help="Stop or continue the other seeds if one diverges [default: continue].",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def run_command(
    experiment: Path | None,
    game: str | None,
    learner: str | None,
    opponent: tuple[str, ...],
    sampled: bool,
    policy: str | None,
    recipe: str | None,
    seed: int | None,
    seeds: int | None,
    overrides: dict[str, Any],
    evaluations: str | None,
    logged: tuple[str, ...],
    out: Path | None,
    resume: Path | None,
    registry_file: Path | None,
    device: str | None,
    devices: int | None,
    on_divergence: str | None,
    quiet: bool,
    **parts: str | None,
) -> int:
    """Fit a learner on a game, evaluate it, and write a run folder.

    \b
    meva-run --game ipd --learner meva
    meva-run --game logistic --learner lola --set learner.variant=taylor
    meva-run --game ipd --learner naive --policy mlp --set policy.width=32
    meva-run runs/ipd-meva-.../experiment.toml      runs it again
    """
    names_logged = _names(",".join(logged), "loggers for --log") if logged else []
    names = (game, learner, opponent, sampled or None, policy, *parts.values(), recipe, seed, seeds, registry_file)
    others = (*names, experiment, out, device, devices)
    if resume is not None and any(x not in (None, ()) for x in others):
        raise BadValue(
            "expected --resume DIR with at most --set, --evaluate, --log and --on-divergence, got other options: the "
            "experiment.toml in DIR holds the rest"
        )
    if resume is None and experiment is None and not (game and learner):
        raise BadValue("expected --game and --learner (or an experiment.toml, or --resume DIR); see meva-run --help")
    if evaluations is not None:
        overrides = {"evaluate.asked": _names(evaluations, "evaluations for --evaluate"), **overrides}
    of_experiment = [path for path in overrides if not path.startswith("log.")]
    if experiment is not None and (of_experiment or any(x not in (None, ()) for x in names)):
        raise BadValue("expected an experiment.toml or names and settings, got both: edit the file instead")

    from meva_core import runner
    from meva_core.cli.screen import Screen
    from meva_core.compute import devices as computing
    from meva_core.experiment import loggers, reading, resolve
    from meva_core.storage import resume as resuming

    if resume is not None and not (resume / "experiment.toml").is_file():
        raise BadFolder(f"expected a run folder with an experiment.toml to resume, got {resume}")
    if experiment is not None and experiment.is_dir():
        raise BadFolder(
            f"expected a file, got the folder {experiment}: write {experiment / 'experiment.toml'} to run it again, "
            f"--resume {experiment} to resume it"
        )
    written = experiment if resume is None else resume / "experiment.toml"
    computing.prepare(device, devices, computing.recorded(written) if written is not None and not devices else None)
    registry, files = runner.plugins(registry_file)
    of_loggers, overrides = loggers.split(overrides)
    log = loggers.chosen(registry, names_logged, of_loggers)
    if policy is not None:
        overrides = {**_by_seat(policy), **overrides}
    overrides = {**{f"{kind}.name": name for kind, name in parts.items() if name is not None}, **overrides}
    fit = {"fit.seed": seed, "fit.seeds": seeds, "fit.on_divergence": on_divergence}
    overrides |= {path: value for path, value in fit.items() if value is not None}
    if resume is not None:
        resolved = resuming.revised(registry, files, resume, overrides)
    elif experiment is not None:
        resolved = resolve.revised(registry, files, reading.read(registry, experiment), overrides).as_installed()
    else:
        resolved = resolve.resolve(
            registry,
            files,
            game=game or "",
            learner=learner or "",
            opponents=opponent,
            recipe=recipe or "default",
            overrides=overrides,
            sampled=sampled,
        )
    folder = resume or out or _new_folder(resolved)
    screen = Screen(folder, quiet=quiet)
    try:
        result = runner.run_experiment(resolved, out=folder, resume=resume is not None, progress=screen, log=log)
    except (KeyboardInterrupt, OSError) as error:
        return screen.left(error, "meva-run", "experiment.toml", loggers.as_options(names_logged, of_loggers))
    screen.finished(result)
    if result.complaints:
        raise Diverged("; ".join(result.complaints))
    return 0


def parse_setting(text: str) -> tuple[str, Any]:
    """Parse `learner.rate=1.5` to ("learner.rate", 1.5): a TOML value, or else plain text."""
    from meva_core.registry import toml_reading

    return toml_reading.parse_setting(text, "--set SECTION.NAME=VALUE")


def _names(text: str, what: str) -> list[str]:
    """Names that are separated by commas. Raises BadValue if there is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise BadValue(f"expected names of {what}, got {text!r}")
    return names


def _by_seat(policy: str) -> dict[str, Any]:
    """Overrides for the names of policies, separated by commas: one for all seats, or one for each."""
    from meva_core.experiment import local

    names = [name.strip() for name in policy.split(",")]
    if not all(names):
        raise BadValue(f"expected --policy NAME, or NAME,NAME,... by seat, got {policy!r}")
    return {f"{path}.name": name for path, name in local.by_seat(names)}


def _new_folder(experiment: Experiment) -> Path:
    from meva_core.storage import files as disk

    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    base = Path("runs") / disk.file_name(f"{experiment.game.name}-{experiment.learner.name}-{now}")
    path, n = base, 1
    while path.exists():
        n += 1
        path = base.with_name(f"{base.name}-{n}")
    return path
