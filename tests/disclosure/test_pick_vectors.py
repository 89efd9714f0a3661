"""The published vectors of the joint choice, recomputed with the standard library alone beside the program.

``python tests/disclosure/test_pick_vectors.py`` writes docs/vectors/pick-1.json from the program; the test then
follows docs/inspection.md from the terms to the slots with hashlib and json only, except for the VRF output,
whose own vectors are RFC 9381's (test_vrf.py).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from detente.disclosure import pick, vrf
from detente.disclosure.choice import Stream, sample, sample_mixed
from detente.disclosure.pick_terms import Contributor, Dice, Population, Record, Stratum, Terms
from detente.disclosure.sampling import probability

FILE = Path(__file__).parents[2] / "docs" / "vectors" / "pick-1.json"
SEEDS = {"CN": "01" * 32, "RU": "02" * 32, "US": "03" * 32}


def vectors() -> dict[str, Any]:
    keys = {p: vrf.Key(bytes.fromhex(s)) for p, s in SEEDS.items()}
    terms = Terms(
        "detente-pick/1", "three-sided", "sha256:" + "9f" * 32, "2027-03", "US", "CN",
        tuple(Contributor(p, k.public.hex(), "2026-01-15") for p, k in keys.items()),
        Population("7d" * 64, "log.example/cn", 412, 800), 6,
        "2027-03-01T11:00:00Z", "2027-03-01T11:50:00Z", ("dice",),
    )  # fmt: skip
    records: list[Record] = [
        Dice(p, f"2027-03-01T12:3{i}:00Z", "31415926535897932384") for i, p in enumerate(("US", "CN"))
    ]
    for p, k in keys.items():
        bound, shown, _ = pick.contribute(terms, p, k, "2027-03-01T10:40:00Z")
        records += [bound, msgspec.structs.replace(shown, at="2027-03-01T11:20:00Z")]
    sites = [Stratum("a", 500, "1/2"), Stratum("b", 200, "1/4"), Stratum("c", 100, "3/4")]
    seeds = [bytes(64), bytes(range(64))]
    return {
        "secret_keys": SEEDS,
        "terms": msgspec.to_builtins(terms),
        "records": msgspec.to_builtins(records),
        "settlement": msgspec.to_builtins(pick.settle(terms, records)),
        "without_CN": msgspec.to_builtins(pick.settle(terms, [r for r in records if _not_revealed_by(r, "CN")])),
        "samples": [
            {"seed": s.hex(), "slots": n, "picks": m, "chosen": sample(Stream(s), n, m)}
            for s in seeds
            for n, m in ((1, 1), (2, 2), (256, 5), (257, 5), (800, 10), (10_000, 10), (70_000, 5))
        ],
        "visits": [
            {"seed": s.hex(), "chances": [c.chance for c in sites],
             "visited": sample_mixed(Stream(s), [probability(c.chance) for c in sites])}
            for s in seeds
        ],
    }  # fmt: skip


def _not_revealed_by(record: Record, party: str) -> bool:
    return not (record.party == party and type(record).__name__ == "Reveal")


def test_the_published_file_is_what_the_program_gives() -> None:
    assert json.loads(FILE.read_text()) == json.loads(json.dumps(vectors()))


def test_the_published_file_follows_from_the_text_with_hashlib_alone() -> None:
    found = json.loads(FILE.read_text())

    def tagged(purpose: str, value: Any) -> str:
        body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return hashlib.sha3_512(f"detente-pick/1 {purpose}\x00".encode() + body).hexdigest()

    context = tagged("terms", found["terms"])
    assert found["settlement"]["context"] == context
    for name in ("settlement", "without_CN"):
        given = found[name]["contributions"]
        for r in found["records"]:
            if r["kind"] == "commit" and r["party"] in given:
                assert r["digest"] == tagged("commit", [context, r["party"], given[r["party"]]])
        closing = {"kind": "dice", "value": "31415926535897932384"}
        seed = tagged("seed", {"context": context, "contributions": given, "closing": closing})
        assert found[name]["seed"] == seed
        assert found[name]["choice"] == [{"site": "", "slots": draw(seed, 800, 6)}]
    assert set(found["without_CN"]["contributions"]) == {"RU", "US"}
    for s in found["samples"]:
        assert s["chosen"] == draw(s["seed"], s["slots"], s["picks"])


def draw(seed: str, slots: int, picks: int) -> list[int]:
    """The expansion of docs/inspection.md, written from its text."""
    data = hashlib.shake_256(b"detente-pick/1 choice\x00" + bytes.fromhex(seed)).digest(4096)
    items, at = list(range(slots)), 0
    for i in range(picks):
        bits = (slots - i - 1).bit_length()
        size = -(-bits // 8)
        while True:
            value = int.from_bytes(data[at : at + size], "big") % (1 << bits)
            at += size
            if value < slots - i:
                break
        items[i], items[i + value] = items[i + value], items[i]
    return items[:picks]


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n")
