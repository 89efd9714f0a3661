"""A tongue says the briefing's sentences in one language: its own by key, the rooms' by their English pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from detente.brief.catalogue import SLOT, Message, language, messages, types

if TYPE_CHECKING:
    from babel import Locale

FOREIGN, HOME = "\ue000", "\ue001"  # private use: around words that stay in English
NUMBER = r"[-+−]?\d+(?:[ ,]\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?"
STOPS = re.compile(r"(?<!\.)\.\.(?!\.)")  # an abbreviation at the end of a sentence: one full stop
PATTERN = {
    "number": NUMBER,
    "date": r"\d{4}-\d{2}(?:-\d{2})?",
    "year": r"\d{4}",
    "ref": r"[(IVXLC\d][IVXLC\d.,()\-a-z ]*?",
    "text": r".+?",
    "list": r".+?",
    "raw": r".+?",
}


class Tongue:
    """One language: numbers, dates and plurals by its CLDR locale, words by its catalogue."""

    def __init__(self, code: str) -> None:
        from babel import Locale

        self.code = language(code)
        self.locale: Locale = Locale.parse(self.code.replace("-", "_"))
        self._words = messages(self.code)
        self._heard: dict[str, str] = {}

    def say(self, key: str, **given: object) -> str:
        """The message `key`; the values are as in English: numbers, ISO dates, English words."""
        return self._filled(key, {k: str(v) for k, v in given.items()})

    def hear(self, text: str) -> str:
        """An English text in this language; what no catalogue knows stays, between FOREIGN and HOME."""
        if self.code == "en" or not text:
            return text
        if text not in self._heard:
            self._heard[text] = self._heard_anew(text)
        return self._heard[text]

    def capital(self, text: str) -> str:
        """A text of this language with a capital, where it begins with one of its own words."""
        return text[:1].upper() + text[1:]

    def sentence(self, text: str) -> str:
        """A text of this language with a capital and a full stop."""
        text = self.capital(text)
        return text if text.endswith((".", "。", "?", "？")) else STOPS.sub(".", text + self.say("join.stop"))

    def number(self, text: str) -> str:
        """A number as the house writes it (``1 419``, ``+20``, ``6.03e+03``), by the locale; English keeps it."""
        if self.code == "en":
            return text
        from babel.numbers import format_decimal

        value = _decimal(text)
        digits = 0 if "e" in text else len(text.partition(".")[2])
        made = str(format_decimal(value, format="#,##0." + "0" * digits, locale=self.locale))
        return f"+{made}" if text.startswith("+") else made

    def day(self, text: str, length: str = "long") -> str:
        """An ISO day or month, by the locale; English keeps the ISO form."""
        from babel.dates import format_date, format_skeleton

        if self.code == "en":
            return text
        if len(text) == 7:
            return str(format_skeleton("yMMMM", date.fromisoformat(f"{text}-01"), locale=self.locale))
        made = str(format_date(date.fromisoformat(text), format=length, locale=self.locale))
        first = self.code == "fr" and made.startswith("1 ")  # CLDR has no ordinal for the first of a month
        return f"1er{made[1:]}" if first else made

    def _heard_anew(self, text: str) -> str:
        if text in _exact():
            return self._filled(_exact()[text], {})
        found = list(self._readings(text))
        best = min(found, key=_foreign, default=_kept(text))
        return best if _foreign(best) <= _foreign(_kept(text)) else _kept(text)

    def _readings(self, text: str) -> Iterator[str]:
        """Ways to say it: by a pattern of the catalogue, else clause by clause; a whole one comes last."""
        for p in _patterns():
            if all(x in text for x in p.fixed) and (match := p.wording.fullmatch(text)):
                made = self._filled(p.key, dict(zip(p.slots, match.groups(), strict=True)))
                yield made
                if FOREIGN not in made:
                    return
        if text.endswith("."):
            yield self.say("join.ended", a=text[:-1])
        for cut, key in (("; ", "join.clauses"), (". ", "join.sentences")):
            for at in re.finditer(re.escape(cut), text):
                yield self.say(key, a=text[: at.start()], b=text[at.end() :])

    def _filled(self, key: str, given: dict[str, str]) -> str:
        message, kinds = self._words[key], types()[key]
        template = message.forms[self._form(message, given)]

        def slot(m: re.Match[str]) -> str:
            return self._value(kinds[m["name"]], m["how"] or "", given[m["name"]])

        return STOPS.sub(".", SLOT.sub(slot, template))

    def _form(self, message: Message, given: dict[str, str]) -> str:
        if not message.by:
            return "other"
        category = self.locale.plural_form(abs(_decimal(given[message.by])))
        return category if category in message.forms else "other"

    def _value(self, kind: str, how: str, text: str) -> str:
        if self.code == "en":
            return text
        match kind:
            case "number":
                return self.number(text)
            case "date":
                return self.day(text)
            case "party":
                return self.party(text, how)
            case "text":
                return self.hear(text)
            case "list":
                return self.say("join.list").join(self.hear(t) for t in text.split(", "))
        return text

    def parties(self, codes: Sequence[str]) -> str:
        """Parties in a row: their codes in English, their names elsewhere."""
        if self.code == "en":
            return " ".join(codes)
        return self.say("join.list").join(self.party(c, "short") for c in codes)

    def party(self, name: str, form: str = "") -> str:
        """A party by its code or English name, in the grammatical form that the catalogue lists."""
        key = _party_keys().get(name)
        if key is None:
            return str(self.locale.territories.get("GB" if name == "UK" else name, name))
        listed = f"{key}_{form}"
        return self.say(listed if listed in self._words else key)


@cache
def tongue(code: str) -> Tongue:
    """The tongue of a language. Raises DetenteError for one that has no catalogue."""
    return Tongue(code)


def plain(text: str) -> str:
    """A text without the marks of what stays English."""
    return text.replace(FOREIGN, "").replace(HOME, "")


def _decimal(text: str) -> Decimal:
    return Decimal(re.sub("[ ,+]", "", text).replace("−", "-"))


def _kept(text: str) -> str:
    return f"{FOREIGN}{text}{HOME}" if re.search(r"[a-z]{2}", text) else text


def _foreign(text: str) -> int:
    return sum(len(x) for x in re.findall(f"{FOREIGN}(.*?){HOME}", text, re.DOTALL))


@cache
def _exact() -> dict[str, str]:
    """Keys of the English messages that have no slot, by their text."""
    return {
        m.forms["other"]: k
        for k, m in messages("en").items()
        if not m.slots and not k.startswith(("join.", "party."))
    }


@cache
def _party_keys() -> dict[str, str]:
    """The message key of a party by each of its English names and its code."""
    found: dict[str, str] = {}
    for key, m in messages("en").items():
        if key.startswith("party.") and "_" not in key:
            name, code = m.forms["other"], key.removeprefix("party.")
            found |= dict.fromkeys((name, name[0].upper() + name[1:], name.removeprefix("the "), code), key)
    return found


class Pattern(NamedTuple):
    """An English message as it is recognised: its fixed words, its whole wording, its key and its slots."""

    fixed: tuple[str, ...]
    wording: re.Pattern[str]
    key: str
    slots: tuple[str, ...]


@cache
def _patterns() -> tuple[Pattern, ...]:
    """Every English message with slots, the one with the most fixed words first."""
    found = [
        pattern
        for key, m in messages("en").items()
        if m.slots and not key.startswith(("join.", "page."))
        for template in m.forms.values()
        for pattern in _patterns_of(key, template)
    ]
    return tuple(sorted(found, key=lambda p: -sum(map(len, p.fixed))))


def _patterns_of(key: str, template: str) -> Iterator[Pattern]:
    pieces, slots = SLOT.split(template)[::3], tuple(s["name"] for s in SLOT.finditer(template))
    parties = "|".join(re.escape(n) for n in sorted(_party_keys(), key=len, reverse=True))
    held = {**PATTERN, "party": parties}
    ends = [f"({held[types()[key][name]]})" for name in slots]
    body = "".join(re.escape(piece) + end for piece, end in zip(pieces, [*ends, ""], strict=True))
    for wording in dict.fromkeys((body, body.replace("(.+?)", "(.+)"))):  # a comma may be inside a slot
        yield Pattern(tuple(p for p in pieces if p.strip()), re.compile(wording, re.DOTALL), key, slots)
