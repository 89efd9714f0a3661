"""The briefing as a short text for a terminal, in any of its languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

from detente.brief.record import LIVE, Brief
from detente.brief.speech import spoken
from detente.brief.tongue import Tongue, plain, tongue
from detente.treaty.life import State

ENDED = (State.expired, State.withdrawn, State.terminated)
# a line may end between any two Chinese characters, but not before closing or after opening punctuation
PIECES = re.compile(
    r"[（《「“]*[\u2e80-\u9fff\uff01-\uffee][，。；：、）》」”？！]*|[^ \n\u2e80-\u9fff\uff01-\uffee]+|[ \n]+"
)


def terminal(brief: Brief, said: Tongue | None = None, *, width: int = 100) -> str:
    """The briefing in about forty lines of plain text."""
    said = said or tongue("en")
    return plain("\n".join(_lines(spoken(brief, said), said, width)))


def _lines(brief: Brief, said: Tongue, width: int) -> Iterator[str]:
    item, comma, colon, semicolon = (said.say(f"join.{x}") for x in ("list", "comma", "colon", "semicolon"))
    yield said.say("page.title_day", title=brief.title.upper(), day=brief.as_of)
    yield ""
    yield fill(brief.summary, width)
    yield ""
    for h in brief.headlines:
        yield fill(h.label, width, f"  {h.value:>7}  ", " " * 11)
    yield ""
    yield said.say("page.bound").upper()
    wide = 16 if said.code == "en" else 21  # codes, or names
    for row in brief.law:
        if row.state in LIVE:
            parties = said.parties(row.parties)
            if len(row.parties) > 6 or cell_len(parties) > wide:
                parties = said.say("page.states", n=len(row.parties))
            state = (
                said.hear(str(row.state))
                if row.state is not State.disputed
                else semicolon.join(f"{said.parties([k])}{colon}{v}" for k, v in row.views.items())
            )
            yield f"  {_column(row.title, 52)}  {_column(parties, wide)}  {state}"
    ended = [r.title for r in brief.law if r.state in ENDED and r.ever_in_force]
    waiting = [
        said.say("join.brackets", x=r.title, y=said.hear(str(r.state)))
        for r in brief.law
        if r.state not in LIVE and r.title not in ended
    ]
    for key, names in (("page.ended", ended), ("page.not_in_force", waiting)):
        if names or key == "page.ended":
            yield fill(said.sentence(f"{said.say(key)}{colon}{item.join(names)}"), width, "  ")
    yield ""
    yield said.say("page.disputes").upper()
    for d in brief.disputes:
        sides = semicolon.join(f"{a}{colon}{b}" for a, b in d.sides)
        yield fill(f"{said.say('join.brackets', x=d.title, y=d.day)}{colon}{sides}", width, "  ", "    ")
    yield ""
    yield said.say("page.unknown").upper()
    for u in brief.unknowns:
        since = said.say("page.since_day", day=u.since)
        yield fill(f"{u.what}{comma}{since}{colon}{u.why}", width, "  ", "    ")
    yield ""
    for s in brief.sections:
        yield s.title.upper()
        yield fill(s.lead, width, "  ")
        yield ""
    yield said.say("page.notices").upper()
    for n in brief.notices:
        mark = f" [{semicolon.join(n.marks)}]" if n.marks else ""
        when = said.say("join.brackets", x=n.deadline, y=n.instrument)
        yield fill(f"{n.duty.rstrip('.。')}{colon}{when}{mark}", width, "  ", "    ")


def fill(text: str, width: int, first: str = "", later: str | None = None) -> str:
    """A text in lines of at most `width` columns; a Chinese character takes two and may end a line."""
    later = first if later is None else later
    lines = [first]
    for piece in PIECES.findall(plain(text)):
        if cell_len(lines[-1]) + cell_len(piece.rstrip()) > width and lines[-1].strip():
            lines.append(later)
        if piece.strip() or lines[-1].strip():
            lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _column(text: str, width: int) -> str:
    text = plain(text)
    if cell_len(text) > width:
        while cell_len(text) >= width:
            text = text[:-1].rstrip()
        text += "…"
    return text + " " * (width - cell_len(text))
