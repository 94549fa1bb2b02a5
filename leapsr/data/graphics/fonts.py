"""The fonts of the system, and random words to set in them."""

import shutil
import subprocess
from contextlib import suppress
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import ImageFont

Face = Path | None
"""A font file; None is Pillow's own font."""

_NO_LETTERS = ("symbol", "emoji", "math", "dingbat", "awesome", "icon", "music", "sign", "barcode", "display")
_STYLES = {
    "mono": ("mono", "courier", "code", "typewriter"),
    "sans": ("sans",),
    "serif": ("serif", "times", "georgia", "roman"),
}
"""What the names of fonts of a style hold, the first that fits; others are "sans"."""


@cache
def font_files() -> dict[str, list[list[Path]]]:
    """Families of "sans", "serif" and "mono" fonts with Latin letters, each its files; empty without any.

    Those that fontconfig knows, or those that come with matplotlib.
    """
    found: dict[str, dict[str, list[Path]]] = {"sans": {}, "serif": {}, "mono": {}}
    for file, family in sorted({**_matplotlib_fonts(), **_system_fonts()}.items()):
        named = (family + file.stem).casefold()
        if file.suffix.lower() not in {".ttf", ".otf", ".ttc"} or any(part in named for part in _NO_LETTERS):
            continue
        style = next(
            (style for style, parts in _STYLES.items() if any(part in named for part in parts)), "sans"
        )
        found[style].setdefault(family.replace(" ", ""), []).append(file)
    return {style: list(families.values()) for style, families in found.items()}


def _system_fonts() -> dict[Path, str]:
    """File -> family."""
    if not (command := shutil.which("fc-list")):
        return {}
    wanted = [command, ":lang=en", "--format", "%{file}\t%{family[0]}\n"]
    try:
        listed = subprocess.run(wanted, capture_output=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    lines = (line.split("\t") for line in listed.decode(errors="replace").splitlines() if "\t" in line)
    return {Path(file): family for file, family in lines if "�" not in file}


def _matplotlib_fonts() -> dict[Path, str]:
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        return {}
    folder = Path(package.origin).parent / "mpl-data/fonts/ttf"
    return {file: file.stem.partition("-")[0] for file in folder.glob("DejaVu*.ttf")}


def face(rng: np.random.Generator, style: str | None = None) -> Face:
    """A font file of a style, or of any; each family as likely as another."""
    style = style or ("sans", "sans", "serif", "mono")[int(rng.integers(4))]
    families = font_files()[style] or [family for known in font_files().values() for family in known]
    if not families:
        return None
    files = families[int(rng.integers(len(families)))]
    return files[int(rng.integers(len(files)))]


@lru_cache(maxsize=256)
def sized(file: Face, pixels: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of a size; Pillow's own for a file that cannot be read."""
    if file is not None:
        with suppress(OSError):  # a format that this FreeType cannot read
            return ImageFont.truetype(file, pixels, layout_engine=ImageFont.Layout.BASIC)
    return ImageFont.load_default(pixels)


_TEXT = """
able about above account add again agree air all and answer apple area arm art ask at away back bank
base bear before begin best big bird blue board boat body book bottle box bread bridge bright brown
build bus busy buy cake call camera car carry case cat centre chair change circle city class clear cloud
coffee cold colour come copy corner count cross cup cut dance dark data day deep delete desk door down
draw dream dry earth east easy edit egg empty end energy enter error even event every exit eye face fall
family far farm fast field file film find fine fire fish five floor flower fly follow food for forest
form four free fresh friend from fruit full game garden gate give glass go gold good grand grass great
green grey group grow half hall hand happy hard head heart heavy help hill history home horse hotel hour
house ice idea image in island join jump jury key kind king kitchen lake lamp language large last law
leaf learn left letter level library light lime line list load log long love low lunch machine mail main
map market maximum menu metal middle milk minute mirror money month moon more morning mountain music
name near network new next night noise north note number ocean off office oil old on one open orange
order other over page paint paper park past path pay peace pen people phone photo piano pilot place plan
plane plate play point power press price print quality queen question quick quiet radio rain read ready
real red report rest rice right ring river road rock roof room round run salt sand save school science
sea search second see select send seven share ship shop short side sign silver simple sing site six size
sky sleep slow small smile snow soft some song sound south space speed sport spring square stage star
start station stay steel step stone stop store storm street strong study sugar summer sun sweet system
table tea team tell ten test text the thin this three ticket time today top tower town track train
travel tree trial true turn two under update upon user value version view village visit voice wait walk
wall warm wash water wave way week west wheel white wide wild wind window winter wish wood word work
world write year yellow yes young zero zone café naïve über señor façade Größe
"""
WORDS = _TEXT.split()
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
SIGNS = "!?&@#%$*+-=/()[]{}<>;:,.'\"_~|^"


def word(rng: np.random.Generator) -> str:
    """One of WORDS, a number, or random signs."""
    kind = rng.random()
    if kind < 0.1:
        return _drawn(rng, DIGITS, int(rng.integers(1, 6)))
    if kind < 0.15:
        return _drawn(rng, LETTERS + DIGITS + SIGNS, int(rng.integers(1, 8)))
    chosen = WORDS[int(rng.integers(len(WORDS)))]
    form = rng.random()
    return chosen.upper() if form < 0.08 else chosen.capitalize() if form < 0.3 else chosen


def _drawn(rng: np.random.Generator, signs: str, count: int) -> str:
    return "".join(signs[i] for i in rng.integers(0, len(signs), count))


def words(rng: np.random.Generator, count: int) -> str:
    ends = [",", ".", "!", "?", ":", ";"]
    drawn = (word(rng) + (ends[int(rng.integers(6))] if rng.random() < 0.12 else "") for _ in range(count))
    return " ".join(drawn)
