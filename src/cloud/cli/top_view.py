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
_FIXED_LINES = 9
"""Lines that are there in any case."""
_FINISHED = ("done", "error", "killed", "stalled")


def print_once(snapshot: dict[str, Any], url: str) -> None:
    """Where nobody can press a key."""
    Console(highlight=False, soft_wrap=False).print(view(snapshot, url, 10_000))


def view(snapshot: dict[str, Any], url: str, height: int) -> RenderableType:
    """All of it, on so many lines at most."""
    room = max(2, height - _FIXED_LINES)
    running = snapshot["running"][: max(1, room // 2)]
    submissions = snapshot["submissions"][: max(1, room - len(running))]
    parts: list[RenderableType] = [_head(snapshot, url), _flow(snapshot), Text()]
    if running:
        parts += [_running(running), Text()]
    parts.append(_submissions(submissions) if submissions else Text("no jobs yet", style="dim"))
    return Group(*parts)


def _head(snapshot: dict[str, Any], url: str) -> Text:
    text = Text.assemble(("picloud ", "bold"), (url, "cyan"), f"  {snapshot['busy']} of {snapshot['slots']} slots busy")
    text.append(f"  {snapshot['workers']} workers", "dim")
    for word in ("processing", "queued", "waiting"):
        if snapshot[word]:
            text.append(f"  {snapshot[word]:,} {word}", OF_STATUS[word])
    text.no_wrap = True
    return text


def _flow(snapshot: dict[str, Any]) -> Text:
    ended = snapshot["ended"]
    halves = [sum(ended[at : at + 2]) for at in range(len(ended) % 2, len(ended), 2)]
    text = Text.assemble((sparkline(halves), "green"), f"  {sum(ended):,.0f} in the last minute", no_wrap=True)
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


def _submissions(rows: Sequence[dict[str, Any]]) -> Table:
    table = _table()
    for title in ("JIDS", "FUNCTION", "LABEL", "", "STATUS"):
        most = _LONGEST_LABEL if title == "LABEL" else None
        least = _LEAST_FUNCTION if title == "FUNCTION" else None
        table.add_column(
            title,
            no_wrap=True,
            ratio=1 if title == "FUNCTION" else None,
            overflow="ellipsis",
            max_width=most,
            min_width=least,
        )
    for row in rows:
        jids = text_of(range(row["first"], row["last"] + 1))
        name, label = (Text(clean(text)) for text in (function_text(row["function"]), row["label"] or ""))
        table.add_row(jids, name, label, _bar(row), _status(row))
    return table


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), expand=True, header_style="dim", show_edge=False)


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
