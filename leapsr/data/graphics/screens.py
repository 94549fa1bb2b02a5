"""Screenshots: windows with tables, forms, menus and icons, and syntax-coloured code."""

from collections.abc import Callable

import numpy as np

from .canvas import Canvas
from .colours import BLACK, WHITE, Colour, ink_on, luma, mixed, vivid
from .documents import paragraphs
from .fonts import face, word, words
from .icons import glyph, icon
from .theme import Theme, theme

_CODE_TEXT = (
    "def class return if else for while import from const let int void public static new true null in"
)
CODE_WORDS = _CODE_TEXT.split()
JOINS = (" = ", "(", ").", "[", "] + ", " == ", ", ", "::", "_", "->")
ENDS = (":", ");", "{", "}", ";")


def interface(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Panels of one or two themes, split at random, or a window on a desktop."""
    canvas = Canvas(side, side, scale, vivid(rng))
    whole = -(-side // scale)
    look = theme(rng)
    if rng.random() < 0.4:
        left, top = (int(v) for v in rng.integers(2, whole // 4, 2))
        width, height = (int(v) for v in rng.integers(whole // 2, whole, 2))
        _desktop_icons(rng, canvas, whole, look)
        _panels(rng, canvas, (left, top, width, height), look)
        if rng.random() < 0.6:
            beside = (left + width // 3, top + height // 3, width // 2, height // 2)
            _fill(rng, canvas, beside, theme(rng), _menu)
    else:
        _panels(rng, canvas, (0, 0, whole, whole), look)
    return canvas.pixels()


Area = tuple[int, int, int, int]  # left, top, width, height in small pixels
Panel = Callable[[np.random.Generator, Canvas, Theme], None]


def _panels(rng: np.random.Generator, canvas: Canvas, area: Area, look: Theme) -> None:
    """A title bar, then panels, each drawn on a canvas of its own, which cuts what is too long."""
    left, top, width, height = area
    if rng.random() < 0.7:
        bar = look.line + int(rng.integers(2, 9))
        _fill(rng, canvas, (left, top, width, bar), look, _title)
        top, height = top + bar, height - bar
    rest = [(left, top, width, height)]
    for _ in range(int(rng.integers(0, 3))):
        left, top, width, height = rest.pop(0)
        share = rng.uniform(0.3, 0.7)
        if width > height:
            cut = round(width * share)
            rest += [(left, top, cut, height), (left + cut, top, width - cut, height)]
        else:
            cut = round(height * share)
            rest += [(left, top, width, cut), (left, top + cut, width, height - cut)]
    for part in rest:
        kind = (_table, _form, _form, _listing, _code, _text, _icons, _menu)[int(rng.integers(8))]
        _fill(rng, canvas, part, look, kind)


def _fill(rng: np.random.Generator, canvas: Canvas, area: Area, look: Theme, kind: Panel) -> None:
    left, top, width, height = area
    if width < 4 or height < 4:
        return
    part = canvas.part(width, height, look.ground)
    kind(rng, part, look)
    part.box((0, 0, width, height), border=look.border)
    canvas.paste(part, (left, top))


def _title(rng: np.random.Generator, part: Canvas, look: Theme) -> None:
    part.box((0, 0, part.width, part.height), look.accent)
    middle = part.height // 2
    part.text((4, middle), words(rng, 3), look.size, look.on_accent, look.font, "lm")
    side = min(part.height - 4, 12)
    for i in range(int(rng.integers(0, 4))):
        left = part.width - (i + 1) * (side + 3)
        place = (left, middle - side // 2, left + side, middle - side // 2 + side)
        if rng.random() < 0.5:
            part.box(place, look.ground, look.border, radius=look.radius)
            glyph(rng, part, place, look.ink)
        else:
            part.ellipse(place, vivid(rng))


def _desktop_icons(rng: np.random.Generator, canvas: Canvas, whole: int, look: Theme) -> None:
    for top in range(4, whole, 34):
        for left in range(4, whole, 34):
            icon(rng, canvas, left, top, 20)
            canvas.text((left + 10, top + 22), word(rng), 8, look.ink, look.font, "mt")


def _icons(rng: np.random.Generator, part: Canvas, look: Theme) -> None:
    side = int(rng.choice([12, 16, 20, 24, 32]))
    for top in range(4, int(part.height), side + 6):
        for left in range(4, int(part.width), side + 6):
            icon(rng, part, left, top, side)


def _table(rng: np.random.Generator, part: Canvas, look: Theme) -> None:
    """Head, striped rows, 1-pixel lines between columns and rows."""
    height = look.line + int(rng.integers(1, 6))
    columns = np.cumsum(rng.integers(look.size * 2, look.size * 6, 12))
    stripe = mixed(look.ground, look.ink, rng.uniform(0.02, 0.15))
    lines, numbers = rng.random() < 0.7, rng.random(13) < 0.4
    for i, top in enumerate(range(0, int(part.height), height)):
        ground = look.accent if i == 0 else stripe if i % 2 else look.ground
        ink = look.on_accent if i == 0 else look.ink
        left = 0
        for column, right in enumerate(columns.tolist()):
            if left > part.width:
                break
            part.box((left, top, max(right, part.width), top + height), ground)
            cell = f"{rng.integers(0, 10**6) / 100:.2f}" if numbers[column] and i else words(rng, 1)
            part.text((left + 3, top + height // 2), cell, look.size, ink, look.font, "lm")
            left = right
        if lines:
            part.row(0, part.width, top + height - 1, look.border)
    for x in columns.tolist() if lines else []:
        part.column(0, part.height, x, look.border)


def _form(rng: np.random.Generator, part: Canvas, look: Theme) -> None:
    """Labels with fields, check boxes, radio buttons, sliders, progress bars and buttons."""
    high = look.size + 4
    field = mixed(look.ground, WHITE if luma(look.ground) > 90 else BLACK, 0.5)
    for top in range(4, int(part.height), high + int(rng.integers(3, 9))):
        kind, left = int(rng.integers(5)), int(rng.integers(3, 9))
        place = (left, top, left + high, top + high)
        middle = top + high // 2
        wide = int(rng.integers(high * 2, max(high * 2 + 1, int(part.width))))
        if kind == 0:
            (part.box if rng.random() < 0.6 else part.ellipse)(place, field, look.border)
            if rng.random() < 0.6:
                glyph(rng, part, place, look.accent)
            part.text((left + high + 4, middle), words(rng, 3), look.size, look.ink, look.font, "lm")
        elif kind == 1:
            length = part.text((left, middle), words(rng, 1), look.size, look.ink, look.font, "lm")
            left += int(length) + 4
            part.box((left, top, left + wide, top + high), field, look.border, radius=look.radius)
            part.text((left + 3, middle), words(rng, 3), look.size, look.ink, look.font, "lm")
        elif kind == 2:
            part.row(left, left + wide, middle - 1, look.border, 2)
            part.box((left, middle - 1, left + wide // 2, middle + 1), look.accent)
            knob, r = left + wide // 2, high // 3
            part.ellipse((knob - r, middle - r, knob + r, middle + r), look.accent)
        else:
            filled = rng.random() < 0.6
            ground, ink = (look.accent, look.on_accent) if filled else (look.ground, look.ink)
            for _ in range(3):
                text = words(rng, int(rng.integers(1, 3)))
                length = int(part.length(text, look.size, look.font)) + 10
                part.box((left, top, left + length, top + high), ground, look.border, radius=look.radius)
                part.text((left + 5, middle), text, look.size, ink, look.font, "lm")
                left += length + 4


def _menu(rng: np.random.Generator, part: Canvas, look: Theme) -> None:
    """Lines of text, one of them chosen, with shortcuts at the right."""
    high = look.line + 2
    chosen = int(rng.integers(0, 6))
    for i, top in enumerate(range(2, int(part.height), high)):
        ink = look.ink
        if i == chosen:
            part.box((2, top, part.width - 2, top + high), look.accent, radius=look.radius)
            ink = look.on_accent
        elif rng.random() < 0.15:
            part.row(4, part.width - 4, top + high // 2, look.border)
            continue
        text = words(rng, int(rng.integers(1, 4)))
        end = 8 + part.text((8, top + high // 2), text, look.size, ink, look.font, "lm")
        keys = f"Ctrl+{word(rng)[:1].upper()}"
        if end + part.length(keys, look.size, look.font) + 10 < part.width:
            part.text((part.width - 4, top + high // 2), keys, look.size, ink, look.font, "rm")


def _listing(rng: np.random.Generator, part: Canvas, look: Theme) -> None:
    """A tree or list with small icons and a scroll bar."""
    high = max(look.line, 12)
    for top in range(2, int(part.height), high):
        left = 3 + 8 * int(rng.integers(0, 3))
        icon(rng, part, left, top + 1, 8)
        part.text((left + 12, top + high // 2), words(rng, 2), look.size, look.ink, look.font, "lm")
    part.box((part.width - 8, 0, part.width, part.height), mixed(look.ground, look.border, 0.4))
    top = int(rng.integers(0, max(1, int(part.height) - 20)))
    part.box((part.width - 7, top, part.width - 1, top + 20), look.border, radius=look.radius)


def _text(rng: np.random.Generator, part: Canvas, look: Theme) -> None:
    paragraphs(rng, part, (4, 4, part.width - 4), look.size, look.ink, look.font)


def _code(rng: np.random.Generator, part: Canvas, look: Theme) -> None:
    """Syntax-coloured lines with their numbers."""
    font = face(rng, "mono")
    palette = [ink_on(rng, look.ground) for _ in range(4)]
    step = part.length("0", look.size, font)
    indent = 0
    for number, base in enumerate(range(look.line, int(part.height) + look.line, look.line), 1):
        part.text((step * 3, base), str(number), look.size, mixed(look.ground, look.ink, 0.5), font, "rs")
        indent = int(np.clip(indent + rng.integers(-1, 2), 0, 4))
        x = step * (4 + indent * 2)
        for token, colour in _tokens(rng, look.ink, palette):
            if x > part.width:
                break
            x += part.text((x, base), token, look.size, colour, font)


def _tokens(rng: np.random.Generator, ink: Colour, palette: list[Colour]) -> list[tuple[str, Colour]]:
    kind = rng.random()
    if kind < 0.1:
        return []
    if kind < 0.25:
        return [("# " + words(rng, 6), palette[0])]
    found = [(CODE_WORDS[int(rng.integers(len(CODE_WORDS)))] + " ", palette[1])] if kind < 0.7 else []
    for _ in range(int(rng.integers(1, 5))):
        found.append((word(rng), ink))
        found.append((JOINS[int(rng.integers(len(JOINS)))], ink))
        if rng.random() < 0.3:
            found.append((f'"{word(rng)}"', palette[2]))
        if rng.random() < 0.3:
            found.append((str(rng.integers(0, 1000)), palette[3]))
    return [*found, (ENDS[int(rng.integers(len(ENDS)))], ink)]


def code(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Nothing but syntax-coloured code."""
    look = theme(rng)
    canvas = Canvas(side, side, scale, look.ground)
    _code(rng, canvas, look)
    return canvas.pixels()
