"""leapsr study."""

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import UsageError
from . import terminal

app = typer.Typer(
    no_args_is_help=True, help="A blind study: people choose among results without names, on a page."
)

Study = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.")]
Results = Annotated[
    list[Path], typer.Argument(metavar="RESULTS", help="A folder of results for each method, two or more.")
]
Pairs = Annotated[Path, typer.Option(metavar="FOLDER", help="The small pictures (LR), or pairs.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="STUDY", help="Where the study is made.")]
Count = Annotated[int | None, typer.Option(min=1, metavar="N", help="So many pictures, drawn at random.")]
Side = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", help="Of the square with the most detail, in pixels; 0: whole pictures."
    ),
]
Pairwise = Annotated[bool, typer.Option("--pairwise", help="Two methods at a time, not all.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Of the draw of pictures.")]
Title = Annotated[str, typer.Option(metavar="TEXT", help="What raters see above the pictures.")]
Scale = Annotated[
    int | None, typer.Option("-s", "--scale", min=1, metavar="N", help="Where there are no pairs.")
]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="0.0.0.0 is all of this computer's.")]
Port = Annotated[int, typer.Option(min=1, max=65535, metavar="N")]
InvitedOnly = Annotated[
    bool, typer.Option("--invited-only", help="Only links of 'leapsr study invite' may vote.")
]
People = Annotated[int, typer.Argument(min=1, metavar="N", help="How many people.")]
Address = Annotated[str, typer.Option(metavar="URL", help="Where they reach the page.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command()
def make(
    results: Results,
    pairs: Pairs,
    out: Out,
    count: Count = None,
    side: Side = 512,
    pairwise: Pairwise = False,
    seed: Seed = 0,
    title: Title = "Which do you prefer?",
    scale: Scale = None,
) -> None:
    """Make a study of folders of results, matched by stem, such as 'evaluate --save' keeps."""
    with terminal.starting():
        from ..data.pairs import read_pairs
        from ..evaluation.subjects import Outputs, named
        from ..study import making

    folder = read_pairs(pairs, scale)
    subjects = named([Outputs(path) for path in results])
    matched = {name: each.match(folder.names) for name, each in subjects.items() if isinstance(each, Outputs)}
    made = making.make(
        out, folder, matched, title=title, count=count, side=side or None, pairwise=pairwise, seed=seed
    )
    terminal.say(
        Console(stderr=True),
        f"{len(made.questions)} questions, {len(made.methods)} methods: leapsr study serve {out}",
    )


@app.command()
def serve(
    study: Study, host: Host = "127.0.0.1", port: Port = 8765, invited_only: InvitedOnly = False
) -> None:
    """Show the page to raters until Ctrl-C; votes are kept, and a later run goes on."""
    from ..study import questions, server

    known = questions.read(study)
    terminal.say(Console(stderr=True), f"http://{host}:{port}/ (Ctrl-C ends it; votes are kept)")
    server.serve(known, host, port, invited_only)


@app.command()
def invite(study: Study, people: People, address: Address = "http://127.0.0.1:8765") -> None:
    """Print a link for each rater; whoever has one votes as that rater."""
    from ..study import questions
    from ..study.store import Store

    store = Store(questions.read(study).folder)
    for _ in range(people):
        terminal.say(Console(), f"{address.rstrip('/')}/?rater={store.add_rater(invited=True)}")


@app.command()
def results(study: Study, as_json: AsJson = False) -> None:
    """Preference rates with intervals, Bradley-Terry strengths, and how far raters agree."""
    from ..metrics.report import plain
    from ..study import analysis, questions
    from ..study.store import Store

    known = questions.read(study)
    votes = Store(known.folder).votes()
    if not votes:
        raise UsageError(f"{study} has no votes yet; 'leapsr study serve {study}' collects them.")
    found = analysis.outcome(known, votes)
    if as_json:
        typer.echo(json.dumps(plain(analysis.as_dict(found)), indent=1, allow_nan=False))
        return
    rows = []
    for rate in found.rates:
        interval = "-" if rate.low != rate.low else f"{rate.low:.1%} to {rate.high:.1%}"
        rows.append((rate.method, f"{rate.rate:.1%}", interval, rate.shown, f"{rate.strength:.3f}"))
    numbers = ("preferred", "95 % interval", "shown", "strength")
    Console().print(terminal.table(("method", *numbers), rows, numbers))
    terminal.say(
        Console(),
        f"{found.votes} votes of {found.raters} raters, {found.undecided} without preference; "
        f"agreement (Krippendorff's alpha) {found.agreement:.2f}",
    )


@app.command()
def export(study: Study) -> None:
    """Print every vote as CSV."""
    from ..study import questions
    from ..study.store import Store, Vote

    known = questions.read(study)
    writer = csv.writer(sys.stdout)
    writer.writerow([*Vote._fields, "picture", "shown"])
    for vote in Store(known.folder).votes():
        question = known.find(vote.question)
        assert question is not None
        writer.writerow([*vote, question.picture, " | ".join(known.slots(vote.rater, question))])
