"""Many runs report to one Progress, as lines with their titles."""

from meva_core.compute.progress import Progress
from meva_core.studies.following import Following


class Heard(Progress):
    """Keeps what it is told."""

    def __init__(self):
        self.lines = []

    def status(self, text):
        self.lines.append(text)

    def warn(self, text):
        self.lines.append(f"warning: {text}")


def test_lines_say_which_run_they_are_of():
    heard = Heard()
    overview = Following(heard)
    overview.titles = ["slow", "fast"]
    first, second = overview.row(0), overview.row(1)
    first.fitting("lola", 3, 0)
    second.status("playing")
    second.status("fast")
    first.warn("a checkpoint is damaged")
    overview.ended(1, None, "payoff 0.5")
    overview.ended(0, "it diverged")
    overview.print("written")
    assert heard.lines == [
        "slow: fitting lola: 3 loops, compiling",
        "fast: playing",
        "warning: slow: a checkpoint is damaged",
        "fast: payoff 0.5",
        "warning: slow is left out: it diverged",
        "written",
    ]
