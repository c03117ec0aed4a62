"""report.html: what it says, that it needs nothing beside it, and what a browser makes of it."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from meva_evaluations.basins import Basins
from meva_evaluations.episode import Episode
from meva_evaluations.situations import Situations

from meva_core.report import asked, page, tables
from meva_core.studies import pages

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
FEW = (
    "evaluate.pairs=4",
    "evaluate.steps=5",
    "evaluate.basins.grid=3",
    "evaluate.basins.steps=4",
    "evaluate.best_response.steps=3",
)


def run(command, folder, game, *settings):
    sets = [argument for setting in (*FEW, *settings) for argument in ("--set", setting)]
    done = command("--game", game, "--learner", "lola", "--out", folder, *sets)
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="module")
def logistic(tmp_path_factory, meva_run):
    return run(meva_run, tmp_path_factory.mktemp("report") / "logistic", "logistic", "evaluate.values=[0.0, 5.0, 20.0]")


# Arrays of one trajectory that does not move.
PATHS = {"trajectories": np.zeros((1, 1, 1, 4, 2, 1)), "plane": np.array([-1.0, 1.0])}


@pytest.fixture(scope="module")
def ipd(tmp_path_factory, meva_run):
    return run(meva_run, tmp_path_factory.mktemp("report") / "ipd", "ipd", "evaluate.values=[0.0, 25.0]")


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def data(folder):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', (folder / "report.html").read_text())
    assert found is not None
    return json.loads(found[1])


def dumped(text, folder, width=1000):
    """The document as the browser leaves it once its scripts have run."""
    path = folder / "shown.html"
    path.write_text(text)
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--dump-dom"]
    done = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def moved(folder, tmp_path, to):
    """The page after the slider was moved."""
    drive = f"const s = document.getElementById('setting'); s.value = {to}; s.dispatchEvent(new Event('input'));"
    return dumped((folder / "report.html").read_text() + f"<script>{drive}</script>", tmp_path)


def grids(told):
    evaluations = asked.of_run(told, {})
    return [*tables.grids(told, evaluations), *tables.further_grids(told, evaluations)]


# ---------------------------------------------------------------- what it says


def test_every_table_of_the_screen_is_on_the_page(logistic):
    text = (logistic / "report.html").read_text()
    for grid in grids(summary(logistic))[:2]:
        for row in grid.rows:
            assert "".join(f"<td>{html.escape(cell)}</td>" for cell in row) in re.sub(r"<td[^>]*>", "<td>", text), row
    assert html.escape(tables.title(summary(logistic))) in text


def test_the_page_needs_nothing_beside_it(logistic, ipd):
    for folder in (logistic, ipd):
        text = (folder / "report.html").read_text()
        addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
        assert addresses
        assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses)
        assert not re.findall(r"@import|url\(|fetch\(", text)


def test_a_panels_style_is_on_the_pages_that_have_the_panel_alone(logistic, ipd):
    (panel,) = Basins().panels({"rows": [{"value": None}]}, PATHS)
    assert panel.style
    assert panel.style in (logistic / "report.html").read_text()
    text = (ipd / "report.html").read_text()
    assert text.count("<style>") == 1
    assert not any(line in text for line in panel.style.splitlines())


def test_figures_and_configuration_are_on_the_page(logistic):
    text = (logistic / "report.html").read_text()
    assert text.count("<figure>") == len(list((logistic / "figures").glob("*.svg")))
    assert html.escape((logistic / "experiment.toml").read_text(), quote=False).splitlines()[0] in text


def test_the_explored_numbers_are_the_runs(logistic):
    shown = data(logistic)
    assert shown["values"] == [0.0, 5.0, 20.0]
    assert shown["policies"] is None
    (panel,) = shown["panels"]
    for found, row in zip(panel, summary(logistic)["rows"], strict=True):
        assert np.sum(found["basins"]["B"]) == row["basins"]["B"]["cells"]["mean"]
    with np.load(logistic / "policies.npz") as file:
        ends = file["trajectories"][0, :, :, -1, :, 0]
    np.testing.assert_allclose(
        [[path[-1] for path in paths] for paths in [row["paths"] for row in shown["panels"][0]]], ends, atol=0.006
    )


def test_policies_are_probabilities_in_the_pages_bars(ipd):
    with np.load(ipd / "policies.npz") as file:
        logits, names = file["policies"], file["entries"]
    means = (1 / (1 + np.exp(-logits.astype(float)))).mean(axis=(0, 2))  # over seeds and matches
    for v, seats in enumerate(data(ipd)["policies"]):
        for seat, entries in enumerate(seats):
            assert list(entries) == list(names)
            np.testing.assert_allclose([e[0] for e in entries.values()], means[v, seat], atol=1e-4)
            assert all(low <= high for _, low, high in entries.values())


def test_a_path_that_leaves_for_infinity_is_drawn_as_far_as_it_went(tmp_path):
    paths = PATHS["trajectories"].copy()
    paths[..., 2:, 1, 0] = np.inf
    (panel,) = Basins().panels({"rows": [{"value": None}]}, {**PATHS, "trajectories": paths})
    assert panel.rows[0]["paths"] == [[[0.0, 0.0], [0.0, 0.0]]]


def test_text_of_others_stays_text(ipd, tmp_path):
    folder = shutil.copytree(ipd, tmp_path / "run")
    told = summary(folder) | {"source": "<img onerror=alert(1)>"}
    told["rows"][0]["policies"][0]["</script><b>"] = {"mean": 0.5, "low": 0.5, "high": 0.5}
    (folder / "summary.json").write_text(json.dumps(told))
    text = pages.of(folder)
    assert "<img onerror" not in text
    assert "</script><b>" not in text
    assert "&lt;img onerror" in text


def test_the_papers_to_cite_are_on_the_page(ipd, meva_command):
    papers = meva_command("cite", ipd).out
    assert papers.startswith("@")
    assert papers == (ipd / "references.bib").read_text()
    assert papers in html.unescape((ipd / "report.html").read_text())


def test_the_papers_of_a_stored_run_are_those_in_its_folder(ipd, tmp_path, meva_command):
    folder = shutil.copytree(ipd, tmp_path / "run")
    (folder / "references.bib").write_text("@misc{mine,\n  year = {2001},\n}\n")
    assert meva_command("report", folder).code == 0
    assert "@misc{mine," in (folder / "report.html").read_text()
    assert meva_command("cite", folder).out == "@misc{mine,\n  year = {2001},\n}\n"
    for damaged in (b"\xff\xfe", None):
        (folder / "references.bib").write_bytes(damaged) if damaged else (folder / "references.bib").unlink()
        assert meva_command("report", folder).code == 0
        assert (folder / "report.html").read_text() == (ipd / "report.html").read_text()


# ---------------------------------------------------------------- the command


def test_report_makes_the_page_anew(logistic, tmp_path, meva_command):
    folder = shutil.copytree(logistic, tmp_path / "run")
    (folder / "report.html").unlink()
    done = meva_command("report", folder)
    assert (done.code, done.out) == (0, f"written to {folder / 'report.html'}\n")
    assert (folder / "report.html").read_text() == (logistic / "report.html").read_text()


def test_report_of_a_tournament(tmp_path, meva_command):
    folder = tmp_path / "tournament"
    asked = ("--game", "ipd", "--learners", "naive,lola", "--trials", "4", "--steps", "3", "--out", folder)
    assert meva_command("tournament", *asked).code == 0
    text = (folder / "report.html").read_text()
    for cell in summary(folder)["games"]["ipd"]["cells"]:
        assert f"{cell['payoff']:.3f} ±" in text
    assert "tournament.toml" in text
    assert "<script" not in text  # there is nothing to move
    assert pages.of(folder) == text


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda folder: (folder / "summary.json").unlink(),
            "expected the folder of a finished run, tournament, reproduction or search",
        ),
        (lambda folder: (folder / "summary.json").write_text("{"), "expected JSON in"),
        (lambda folder: (folder / "summary.json").write_text("[]"), "expected a summary in"),
        (lambda folder: (folder / "summary.json").write_text("{}"), "expected a folder as this version writes it"),
        (lambda folder: (folder / "policies.npz").write_bytes(b"PK\3\4"), "expected a whole file as MeVa writes it"),
    ],
)
def test_a_folder_that_is_no_run_is_told_in_one_line(ipd, tmp_path, meva_command, spoil, said):
    folder = shutil.copytree(ipd, tmp_path / "run")
    before = (folder / "report.html").read_text()
    spoil(folder)
    done = meva_command("report", folder)
    assert done.code == 2
    assert done.err.startswith(f"error: {said}")
    assert len(done.err.splitlines()) == 1
    assert (folder / "report.html").read_text() == before


# ---------------------------------------------------------------- in a browser


@in_browser
def test_the_slider_moves_basins_trajectories_and_tables(logistic, tmp_path):
    settings = {v: moved(logistic, tmp_path, v) for v in (0, 2)}
    for v, shown in settings.items():
        assert f'<output id="value" for="setting">η = {[0, 5, 20][v]}</output>' in shown
        here = re.findall(r'<tr data-row="(\d)" class="here">', shown)
        every = grids(summary(logistic))
        assert here == [str(v)] * sum(grid.settings.count(v) for grid in every)
        filled = [float(share) for share in re.findall(r'class="cell"[^>]*fill-opacity="([\d.]+)"', shown)]
        assert sum(filled) == summary(logistic)["rows"][v]["basins"]["B"]["cells"]["mean"]
        ends = re.findall(r'class="to" cx="([-\d.]+)" cy="([-\d.]+)"', shown)
        expected = [(path[-1][0], -path[-1][1]) for path in data(logistic)["panels"][0][v]["paths"]]
        np.testing.assert_allclose(np.array(ends, float), expected)
    assert settings[0] != settings[2]


@in_browser
def test_the_slider_moves_the_bars(ipd, tmp_path):
    for v in (0, 1):
        widths = re.findall(r'class="fill" style="width: ([\d.]+)%', moved(ipd, tmp_path, v))
        expected = [100 * entry[0] for seat in data(ipd)["policies"][v] for entry in seat.values()]
        np.testing.assert_allclose(np.array(widths, float), expected, rtol=1e-4)


@in_browser
@pytest.mark.parametrize("width", [360, 1000])
def test_nothing_is_wider_than_the_screen(logistic, ipd, tmp_path, width):
    for folder in (logistic, ipd):
        inner = html.escape((folder / "report.html").read_text())
        measure = "const e = this.contentDocument.documentElement; document.title = `${e.scrollWidth} ${e.clientWidth}`"
        frame = f'<iframe style="border:0;width:{width}px;height:800px" srcdoc="{inner}" onload="{measure}"></iframe>'
        found = re.search(r"<title>(\d+) (\d+)</title>", dumped(f"<title>0</title>{frame}", tmp_path, width=1200))
        assert found is not None
        assert width - 20 < int(found[1]) == int(found[2]) <= width


# ---------------------------------------------------------------- an episode, and policies that remember


EPISODE = {  # one cell, into which a coin comes with the second step
    "episode": {
        "seed": 7,
        "players": ["red", "blue"],
        "actions": ["left", "right"],
        "rows": [""],
        "columns": ["", ""],
        "caption": "R is red.",
    }
}
BOARDS = ['[[0,0,"R","disc",0,1.0]]', '[[0,1,"R","disc",0,1.0]]', '[[0,1,"R","disc",0,1.0],[0,0,"b","ring",null,1.0]]']
PLAYED = {
    "episode actions": np.array([[[1, 0], [0, 0], [1, 1]]] * 2),
    "episode rewards": np.array([[[1.0, -2.0], [0.5, 0.0], [9.0, 9.0]]] * 2),
    "episode alive": np.array([[1.0, 1.0, 0.0]] * 2),
}
SITUATIONS = [
    {"P(C|start)": {"mean": 0.25 * seat, "low": 0.0, "high": 0.5}, "P(C|DC)": {"mean": None, "low": None, "high": None}}
    for seat in (1, 2)
]


def drawn(folder, tmp_path, drive=""):
    """A page with an episode and situations, as a browser shows it after the script `drive`."""
    told = {**summary(folder), **EPISODE, "situation_rounds": 5}
    told["rows"] = [{**row, "boards": BOARDS, "situations": SITUATIONS} for row in told["rows"]]
    content = page.content(told, PLAYED, {"episode": Episode(), "situations": Situations()})
    content["grids"] = grids(summary(folder))
    text = page.rendered(papers={}, figures=[], texts=[], **content)
    return dumped(f"{text}<script>{drive}</script>", tmp_path)


@pytest.mark.parametrize(("columns", "classes"), [(7, ""), (8, ' class="many"'), (10, ' class="many stacked"')])
def test_tables_of_many_columns_are_narrower(columns, classes):
    wide = tables.Grid("a table", [f"head {n}" for n in range(columns)], [["-1.000 ±.100"] * columns])
    content = {"title": "a", "source": "", "facts": "", "warnings": [], "data": None, "setting": None, "seats": []}
    text = page.rendered(papers={}, kind="run", grids=[wide], note="", figures=[], texts=[], **content)
    assert f"<table{classes}>" in text


PRESS = "const press = (key) => document.querySelector('.episode').dispatchEvent(new KeyboardEvent('keydown', {key}));"


@in_browser
def test_an_episode_is_stepped_through_with_keys(ipd, tmp_path):
    shown = drawn(
        ipd, tmp_path, f"{PRESS} press('Home'); press('ArrowRight'); press('ArrowRight'); press('ArrowRight');"
    )
    board, told = episode_in(shown)
    assert '<output class="">step 2 of 2</output>' in shown
    assert board == ["b", "R"]
    assert told == ["left", "+0.5", "+1.5", "left", "0", "−2"]
    assert "An episode between the last policies of the first match of seed 7. R is red." in shown


@in_browser
def test_an_episode_has_buttons_and_policies_that_remember_are_asked_in_named_situations(ipd, tmp_path):
    click = "document.querySelector('[aria-label=\"{} frame\"]').click();"
    shown = drawn(ipd, tmp_path, click.format("Last") + click.format("First"))
    assert '<output class="">start</output>' in shown
    assert episode_in(shown) == (["R"], ["–", "–", "0", "–", "–", "0"])
    assert "What the policies do after 5 rounds with the same outcome" in shown
    place = shown.partition('class="situations"')[2].partition("</figure>")[0]
    assert re.findall(r'class="fill" style="width: ([\d.]+)%', place) == ["25", "0", "50", "0"]


def episode_in(shown):
    """The marks on the board, cell by cell, and what the table says of both players: action, reward and sum."""
    stage = shown.partition('class="board"')[2].partition("</table>")[0]
    table = re.search(r"<tbody[^>]*>(.*?)</tbody>", stage)
    assert table is not None
    marks = re.findall(r'class="mark [^"]*"[^>]*>(\w)<', stage)
    return marks, re.findall(r"<td[^>]*>([^<]*)</td>", table[1])


def test_pictures_of_a_reproduction_come_in_the_order_of_its_runs():
    """Also where a label is no file name."""
    labels = ["together, ipd", "M-FOS first, ipd"]
    figures = ["heat-map_M-FOS-first--ipd", "heat-map_together--ipd", "ranking"]
    assert sorted(figures, key=lambda figure: pages._place(figure, labels)) == figures[::-1]
