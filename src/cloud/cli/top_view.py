"""What `picloud top` shows, as a rich renderable."""

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cloud.cli.colour import OF_STATUS
from cloud.cli.jids import text_of
from cloud.cli.names import function_text
from cloud.cli.table import clean

_BARS = " ▁▂▃▄▅▆▇█"
_BAR_WIDTH = 12
_LONGEST_LABEL = 30
_LEAST_FUNCTION = 14
_LEAST = 8
_GAP = 2
_NARROW = 64
_SHORT_FLOW = 10
_FIXED_LINES = 10
"""Lines that are there in any case."""
_FINISHED = ("done", "error", "killed", "stalled")


def print_once(snapshot: dict[str, Any], url: str) -> None:
    """Where nobody can press a key."""
    console = Console(highlight=False, soft_wrap=False)
    console.print(view(snapshot, url, console.size.width, 10_000))


def view(snapshot: dict[str, Any], url: str, width: int, height: int) -> RenderableType:
    """All of it, on so many lines at most."""
    room = max(2, height - _FIXED_LINES)
    running = snapshot["running"][: max(1, room // 2)]
    submissions = snapshot["submissions"][: max(1, room - len(running))]
    parts: list[RenderableType] = [_head(snapshot, url, width), _flow(snapshot, width), Text()]
    if running:
        parts += [_running(running), Text()]
    parts.append(_submissions(submissions, width) if submissions else Text("no jobs yet", style="dim"))
    return Group(*parts)


def _head(snapshot: dict[str, Any], url: str, width: int) -> RenderableType:
    text = Text.assemble(("picloud ", "bold"), (url, "cyan"), no_wrap=True, overflow="ellipsis")
    busy = Text(f"{snapshot['busy']} of {snapshot['slots']} slots busy", no_wrap=True, overflow="ellipsis")
    busy.append(f"  {snapshot['workers']} workers", "dim")
    for word in ("processing", "queued", "waiting"):
        if snapshot[word]:
            busy.append(f"  {snapshot[word]:,} {word}", OF_STATUS[word])
    if len(text) + _GAP + len(busy) <= width:
        return text.append(" " * _GAP).append_text(busy)
    return Group(text, busy)


def _flow(snapshot: dict[str, Any], width: int) -> Text:
    ended = snapshot["ended"]
    halves = [sum(ended[at : at + 2]) for at in range(len(ended) % 2, len(ended), 2)]
    if width < _NARROW:
        halves = halves[-_SHORT_FLOW:]
    text = Text.assemble(
        (sparkline(halves), "green"), f"  {sum(ended):,.0f} in the last minute", no_wrap=True, overflow="ellipsis"
    )
    recent = ended[-6:-1]  # the second that is not over yet says too little
    if sum(recent):
        text.append(f"  {sum(recent) / len(recent):,.1f} a second")
    if snapshot["failed"]:
        text.append(f"  {snapshot['failed']:,.0f} failed", OF_STATUS["error"])
    return text


def sparkline(numbers: Sequence[float]) -> str:
    """The numbers as little bars, the highest full."""
    top = max(numbers, default=0.0)
    if not top:
        return "▁" * len(numbers)
    return "".join(_BARS[max(1, round(number / top * (len(_BARS) - 1)))] if number else "▁" for number in numbers)


def _running(running: Sequence[dict[str, Any]]) -> Table:
    table = _table()
    for title, justify in (("RUNS", "right"), ("FUNCTION", "left"), ("FOR", "right"), ("PROCESS", "right")):
        wide = title == "FUNCTION"
        table.add_column(title, justify=justify, no_wrap=True, ratio=1 if wide else None)  # type: ignore[arg-type]
    now = time.time()
    for job in running:
        waits = " (waits for other jobs)" if job["waits"] else ""
        name = clean(function_text(job["function"])) + waits
        table.add_row(str(job["jid"]), Text(name), duration(now - job["since"]), str(job["pid"]))
    return table


def _submissions(rows: Sequence[dict[str, Any]], width: int) -> Table:
    """As much of them as there is room for: jids and statuses are whole, then come functions, labels and bars."""
    cells = [
        (
            text_of(range(row["first"], row["last"] + 1)), Text(clean(function_text(row["function"]))),
            Text(clean(row["label"] or "")), _bar(row), _status(row),
        )
        for row in rows
    ]  # fmt: skip
    widths = {
        "JIDS": max(len(cell[0]) for cell in cells),
        "FUNCTION": min(_LEAST_FUNCTION, max(cell[1].cell_len for cell in cells)),
        "LABEL": min(_LONGEST_LABEL, max(cell[2].cell_len for cell in cells)),
        "": _BAR_WIDTH,
        "STATUS": max(cell[4].cell_len for cell in cells),
    }
    widths = fitted({title: max(wide, len(title)) for title, wide in widths.items() if wide}, width)
    table = _table()
    for title, wide in widths.items():
        table.add_column(title, no_wrap=True, overflow="ellipsis", width=wide)
    shown = [at for at, title in enumerate(("JIDS", "FUNCTION", "LABEL", "", "STATUS")) if title in widths]
    for cell in cells:
        table.add_row(*(cell[at] for at in shown))
    return table


def fitted(widths: dict[str, int], room: int) -> dict[str, int]:
    """Columns, with a gap each, that have room: labels become shorter, then go bars, labels, ends of functions' names
    and of statuses; what is left over is the functions'."""
    found = dict(widths)

    def over() -> int:
        return sum(found.values()) + _GAP * len(found) - room

    def cut(title: str) -> None:
        if title in found and over() > 0:
            found[title] = max(_LEAST, found[title] - over())

    cut("LABEL")
    if over() > 0:
        found.pop("", None)
        if "LABEL" in found:
            found["LABEL"] = min(widths["LABEL"], found["LABEL"] - min(0, over()))
    if over() > 0:
        found.pop("LABEL", None)
    cut("FUNCTION")
    cut("STATUS")
    found["FUNCTION"] += max(0, -over())
    return found


def _table() -> Table:
    return Table(box=None, padding=(0, _GAP, 0, 0), expand=True, header_style="dim", show_edge=False)


def _bar(row: dict[str, Any]) -> Text:
    counts = row["counts"]
    total = sum(counts.values()) or 1
    text = Text()
    for word in (*_FINISHED, "processing"):
        share = counts.get(word, 0) / total * _BAR_WIDTH
        text.append("━" * (max(1, int(share)) if share else 0), OF_STATUS[word])
    text.truncate(_BAR_WIDTH)
    text.append("─" * (_BAR_WIDTH - len(text)), "dim")
    return text


def _status(row: dict[str, Any]) -> Text:
    counts = row["counts"]
    if row["count"] == 1:
        word = next(iter(counts))
        return Text(word, OF_STATUS[word])
    text = Text(f"{counts.get('done', 0):,} of {sum(counts.values()):,} done", OF_STATUS["done"])
    for word in ("error", "killed", "stalled"):
        if word in counts:
            text.append(f", {counts[word]:,} {word}", OF_STATUS[word])
    return text


def duration(seconds: float) -> str:
    """'0.4 s', '1:07', '2:03:09'."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
