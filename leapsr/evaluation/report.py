"""An evaluation as files in one folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ..data.pairs import Pair
from ..files import atomic_write
from ..metrics import plots
from ..metrics.report import write_csv, write_json, write_latex, write_markdown, write_means
from ..metrics.runs import Training
from ..metrics.sheet import Sheet
from ..metrics.table import Setting, Table
from .crops import Crops
from .html import write_html
from .published import PublishedTable


class Look:
    """What is to be looked at: `observe` collects it while an evaluation runs."""

    def __init__(self) -> None:
        self.sheet, self.crops = Sheet(), Crops()

    def observe(self, pair: Pair, setting: Setting, restored: Tensor) -> None:
        """restored: (1, 3, sH, sW) in [0, 1]."""
        self.sheet.observe(pair, setting, restored)
        self.crops.observe(pair, setting, restored)


def write(
    table: Table,
    trainings: Sequence[Training],
    out: Path,
    settings: Mapping[str, Any],
    look: Look | None = None,
    published: Sequence[PublishedTable] = (),
) -> list[str]:
    """Write an evaluation into the folder `out`.

    Files: report.html, which has all in one; results.csv and results.json (each picture), means.csv,
    results.md, results.tex, sheet.png if there is something to look at; of one restorer whose dial was turned
    dial.png, of several pd_plot.png.

    Args:
        table: what was found.
        trainings: what the training of the models cost, as far as known.
        out: it is made if need be.
        settings: what is needed to do it again; at least `pictures`, `pairs` and `seeds`.
        look: that observed the evaluation.
        published: figures to show apart.

    Returns:
        A sentence if the plot could not be drawn: the tables are worth having without it.

    Raises:
        OutputError: a file cannot be written.
    """
    if look is not None:
        with atomic_write(out / "sheet.png") as part:
            look.sheet.draw().save(part, "PNG")
    words = heading(settings)
    write_markdown(table, trainings, out / "results.md", words)
    write_latex(table, out / "results.tex", words)
    write_csv(table, out / "results.csv")
    write_means(table, out / "means.csv")
    costs = {"training": [each._asdict() for each in trainings]}
    write_json(table, out / "results.json", {**settings, **costs})
    crops = Crops() if look is None else look.crops
    write_html(table, crops, out / "report.html", words, settings, published)
    return plots.save(table, out)


def heading(settings: Mapping[str, Any]) -> str:
    """What the pictures were, after the title of an experiment."""
    count, seeds = settings["pictures"], settings["seeds"]
    many = "picture" if count == 1 else "pictures"
    seed = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
    title = f"{settings['title']}: " if "title" in settings else ""
    return f"{title}{count} {many} of {Path(settings['pairs']).name}, {seed}"
