"""Interface screenshots: twenty small pages, rendered by a browser without a display."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 480, 320
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)

THEMES = {
    # ground, text, accent, panel, line
    "light": ("#ffffff", "#222222", "#0a66c2", "#f2f2f2", "#cccccc"),
    "dark": ("#1e1e1e", "#dddddd", "#4fc1ff", "#2b2b2b", "#444444"),
    "blue": ("#0000ff", "#ffffff", "#ffe600", "#0033cc", "#00ffff"),
    "green": ("#00c853", "#000000", "#d50000", "#b9f6ca", "#00600f"),
    "terminal": ("#000000", "#00ff00", "#ff00ff", "#111111", "#00aa00"),
    "paper": ("#fdf6e3", "#586e75", "#cb4b16", "#eee8d5", "#93a1a1"),
    "pink": ("#ff0080", "#ffffff", "#00ffea", "#c2006b", "#ffb3d9"),
}

FRAME = """<!doctype html><meta charset="utf-8"><style>
:root {{ --ground: {0}; --text: {1}; --accent: {2}; --panel: {3}; --line: {4} }}
* {{ box-sizing: border-box }}
body {{ margin: 0; width: 480px; height: 320px; overflow: hidden; background: var(--ground);
  color: var(--text); font: 12px sans-serif }}
.bar {{ background: var(--accent); color: var(--ground); padding: 5px 8px; font-weight: bold }}
.panel {{ background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 8px }}
.row {{ display: flex; gap: 8px; align-items: center }}
button, .button {{ background: var(--accent); color: var(--ground); border: 0; border-radius: 3px;
  padding: 4px 10px; font: bold 11px sans-serif }}
input, select {{ background: var(--ground); color: var(--text); border: 1px solid var(--line);
  padding: 3px; font: 11px sans-serif }}
td, th {{ border: 1px solid var(--line); padding: 2px 8px; font-size: 11px }}
small {{ font-size: 9px }} b.on {{ color: var(--accent) }} pre {{ margin: 0; font: 11px/14px monospace }}
</style><body>{body}"""

PAGES = {
    "window": """<div class=panel style="margin:24px 40px;padding:0;box-shadow:4px 4px 12px #0008">
<div class=bar>Untitled - Notes <span style="float:right">_ &#9633; &#215;</span></div>
<div class=row style="padding:3px 8px;border-bottom:1px solid var(--line)">File Edit View Insert Help</div>
<div style="padding:10px;height:150px">Save the changes to <b class=on>report.txt</b> before closing?<br><br>
<small>They are lost if you do not. 3 of 17 files, 1 204 KB.</small></div>
<div class=row style="padding:8px;justify-content:flex-end"><button>Save</button><button>Cancel</button></div>
</div>""",
    "form": """<div class=bar>Account</div><div style="padding:10px;line-height:28px">
Name <input value="Ada Lovelace" size=24> Country <select><option>Norway</select><br>
Mail <input value="ada@example.org" size=30> <b class=on>must not be empty</b><br>
<input type=checkbox checked>Remember me <input type=checkbox>News <input type=radio checked>Yes
<input type=radio>No<br><input type=range> 50 % <progress value=70 max=100></progress><br>
<textarea rows=4 cols=48>The quick brown fox jumps over the lazy dog.</textarea><br>
<button>Send</button> <button disabled style="opacity:.4">Delete</button></div>""",
    "table": """<div class=bar>Invoices 2031</div><table style="border-collapse:collapse;margin:8px">
<tr style="background:var(--panel)"><th>No.<th>Customer<th>Due<th>Amount<th>State"""
    + "".join(
        f"<tr><td>{1041 + n}<td>{who}<td>2031-0{n + 1}-1{n}<td align=right>{(n + 3) ** 5 / 7:,.2f}"
        f"<td><b class=on>{'open' if n % 3 else 'paid'}</b>"
        for n, who in enumerate(("Meyer", "O'Brien", "Sato", "Novak", "Silva", "Khan", "Berg", "Rossi"))
    )
    + "</table><small>Page 1 of 12 &lt; 1 2 3 ... 12 &gt;</small>",
    "code": """<div class=row style="height:320px;align-items:stretch;gap:0"><div class=panel
style="width:100px">src<br>&#9656; flow<br>&#9662; ops<br>&nbsp; jpeg.py
<br>&nbsp; <b class=on>resize.py</b></div>
<pre style="padding:8px"><span style="color:#c586c0">import</span> torch\n
<span style="color:#569cd6">def</span> <span style="color:#dcdcaa">shrink</span>(image, factor):
    <span style="color:#6a9955"># each block becomes its mean</span>
    height, width = image.shape[-2:]
    <span style="color:#c586c0">if</span> height % factor:
        <span style="color:#c586c0">raise</span> ValueError(<span style="color:#ce9178">"height"</span>)
    <span style="color:#c586c0">return</span> avg_pool2d(image, factor)\n
x = torch.rand(<span style="color:#b5cea8">1</span>, 3, 64, 64)
print(shrink(x, 4).shape)  # [1, 3, 16, 16]</pre></div>""",
    "bars": """<div style="padding:10px"><b>Visits per month</b><div class=row
style="height:230px;align-items:flex-end;border-left:1px solid;border-bottom:1px solid;gap:12px;
padding:0 12px">"""
    + "".join(
        f'<div style="width:24px;height:{40 + n * 37 % 170}px;background:hsl({n * 36} 100% 50%)"></div>'
        for n in range(10)
    )
    + "</div><small>Jan Feb Mar Apr May Jun Jul Aug Sep Oct: mean 61.3, n = 1 284</small></div>",
    "pie": """<div class=row style="padding:24px;gap:30px"><div style="width:200px;height:200px;
border-radius:50%;background:conic-gradient(#f00 0 30%,#00f 0 55%,#0c0 0 70%,#ff0 0 85%,#f0f 0)"></div><div>
<h3>Energy</h3><p style="color:#f00">&#9632; Wind 30 %<p style="color:#00f">&#9632; Sun 25 %
<p style="color:#0c0">&#9632; Water 15 %<p style="color:#ff0">&#9632; Coal 15 %
<p>&#9632; Other 15 %</div></div>""",
    "chat": """<div class=bar>Team (4)</div><div style="padding:8px;display:grid;gap:8px">
<div class=panel style="width:260px">Is the build green again? <small>10:42</small></div>
<div class=button style="width:220px;justify-self:end">Yes, since 9 o'clock. &#10003;&#10003;</div>
<div class=panel style="width:300px">Then please merge <b class=on>#4711</b> and tell the others, I am away
until Monday.</div><div class=button style="width:80px;justify-self:end">Done :-)</div></div>
<div class=row style="position:absolute;bottom:8px;left:8px">
<input size=52 value="Write ..."><button>&#10148;</button></div>""",
    "tiles": """<div class=bar>Overview</div>
<div style="display:grid;grid-template-columns:1fr 1fr 1fr;gap:8px;padding:8px">"""
    + "".join(
        f'<div class=panel style="height:84px"><small>{name}</small><div style="font:bold 24px sans-serif;'
        f'color:var(--accent)">{value}</div>'
        f'<div style="height:6px;width:{share}%;background:var(--text)"></div></div>'
        for name, value, share in (
            ("Users", "8 214", 80),
            ("Errors", "0.3 %", 12),
            ("Latency", "41 ms", 35),
            ("Memory", "6.1 GB", 72),
            ("Queue", "0", 2),
            ("Uptime", "99.98", 99),
        )
    )
    + "</div><div style='background:linear-gradient(90deg,var(--accent),var(--ground));height:90px'></div>",
    "article": """<div class=row style="border-bottom:2px solid var(--accent);padding:6px 10px;gap:16px">
<b>The Gazette</b> News Sport <b class=on>Science</b> Weather</div><div style="padding:10px;
font:13px/17px serif;columns:2"><h2 style="margin:0 0 6px">Glass that mends itself</h2>Cracks close within
minutes when the new glass is warmed to sixty degrees, say the chemists who found it by accident.
<i>It was meant to be glue</i>, says one of them. <small>Ill. 1: Surface before (left) and after.</small>
Until it is in shops some years will pass, since the raw material costs as much as silver; but for
<u>lenses</u> of telescopes the price hardly matters. See also: <b class=on>page 14</b>.</div>""",
    "calendar": """<div class=bar>&#9664; March 2031 &#9654;</div><div style="display:grid;padding:6px;
grid-template-columns:repeat(7,1fr);gap:3px">"""
    + "".join(f"<small><b>{day}</b></small>" for day in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"))
    + "".join(
        f'<div class=panel style="height:44px;padding:2px;border-radius:0;font-size:10px">{day}'
        + f'<div style="background:hsl({day * 47} 90% 45%);color:#fff">Call {day}</div>' * (day % 3)
        + "</div>"
        for day in range(1, 32)
    )
    + "</div>",
}


def pages() -> dict[str, str]:
    """HTML by name: each page in two themes."""
    themes, made = list(THEMES), {}
    for turn, (index, page) in product((0, 1), enumerate(PAGES)):
        theme = themes[(3 * index + turn) % len(themes)]
        made[f"{page}, {theme}"] = FRAME.format(*THEMES[theme], body=PAGES[page])
    return made


def browser() -> str | None:
    """Path of the first that is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def version(program: str) -> str:
    """What it calls itself."""
    return subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60).stdout.strip()


def screens(program: str) -> Iterator[tuple[str, Image.Image]]:
    """Name and picture of each page. Raises CalledProcessError where the browser fails."""
    with tempfile.TemporaryDirectory() as folder:
        html, png = Path(folder, "page.html"), Path(folder, "page.png")
        profile, size = f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}"
        for name, source in pages().items():
            html.write_text(source, encoding="utf-8")
            command = [program, *FLAGS, profile, size, f"--screenshot={png}", html.as_uri()]
            subprocess.run(command, check=True, capture_output=True, timeout=120)
            with Image.open(png) as image:
                yield name, image.convert("RGB")
            png.unlink()
