"""The briefing's table of real records: recomputed and held against the stored one; --write stores it anew."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from bench._report import line
from bench.real_records import (
    COLLAPSE,
    TESTS,
    as_idc,
    body_wave,
    bulletins,
    inside,
    nearest,
    off_km,
    seconds,
    waveforms,
)
from detente.files import write_whole
from detente.monitor.bulletin.records import Bulletin, Event

STORED = Path(__file__).resolve().parents[1] / "src/detente/brief/real_records.csv"
HEAD = (
    "# Results of the chain on real records that may not be packaged; computed elsewhere, written by\n"
    "# `python -m bench real_table --write`, recomputed by tests/brief/test_real_records.py where the records are.\n"
    "# off_km, inside, idc_mb, published: against Yao and others 2018 (places), the IDC (mb), published yields.\n"
    "# settings, data: SHA-256 of the chain's settings and of the samples (`made_with` of each bulletin).\n"
)


def rows(folder: Path) -> list[dict[str, str]]:
    """A row for each test and the collapse of 2017, every value as text in its stored digits."""
    made = bulletins(folder)
    found = []
    for day, when, lat, lon, idc, published in TESTS:
        event = nearest(made[day], seconds(when))
        known = {"idc_mb": f"{idc:.1f}", "published_low_kt": f"{published[0]:g}",
                 "published_high_kt": f"{published[1]:g}"}  # fmt: skip
        found.append(_row(day, "test", made[day], event, (lat, lon)) | known)
    collapse = nearest(made["2017-09-03"], seconds(COLLAPSE[0]), 60.0)
    found.append(_row("2017-09-03", "collapse", made["2017-09-03"], collapse, COLLAPSE[1:]))
    return found


def _row(
    day: str, kind: str, bulletin: Bulletin, event: Event | None, place: tuple[float, float]
) -> dict[str, str]:
    row = dict.fromkeys(COLUMNS, "") | {"day": day, "kind": kind, "found": "yes" if event else "no"}
    row |= {k: bulletin.made_with[k] for k in ("settings", "data", "program")}
    if event is None:
        return row
    o, mb, s = event.origin, body_wave(event), event.screening
    coupled = next((y for y in event.yields if y.assumption == "coupled"), None)
    row |= {
        "stations": str(len({u.station for u in o.used})), "lat": f"{o.lat:.2f}", "lon": f"{o.lon:.2f}",
        "major_km": f"{o.semi_major_km or 0:.0f}", "minor_km": f"{o.semi_minor_km or 0:.0f}",
        "off_km": f"{off_km(event, *place):.0f}", "inside": "yes" if inside(event, *place) else "no",
    }  # fmt: skip
    if mb is not None:
        row |= {"mb_idc_scale": f"{as_idc(mb):.2f}", "mb_sd": f"{mb.sd:.2f}", "mb_kind": mb.kind}
    if s is not None:
        p = "" if s.p_explosion is None else f"{s.p_explosion:.4f}"
        row |= {"verdict": s.verdict, "p_explosion": p, "prior": f"{s.prior:g}"}
    if coupled is not None:
        row |= {
            "low_kt": _two(coupled.low_kt),
            "median_kt": _two(coupled.median_kt),
            "high_kt": _two(coupled.high_kt),
        }
    return row


COLUMNS = (
    "day", "kind", "found", "stations", "lat", "lon", "major_km", "minor_km", "off_km", "inside", "mb_kind",
    "mb_idc_scale", "mb_sd", "idc_mb", "verdict", "p_explosion", "prior", "low_kt", "median_kt", "high_kt",
    "published_low_kt", "published_high_kt", "program", "settings", "data",
)  # fmt: skip


def _two(kt: float) -> str:
    return f"{float(f'{kt:.2g}'):.10g}"


def encoded(found: list[dict[str, str]]) -> bytes:
    """The rows as the stored file has them."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return (HEAD + out.getvalue()).encode()


def stored() -> list[dict[str, str]]:
    """The rows of the stored file."""
    lines = STORED.read_text("utf-8").splitlines()
    return list(csv.DictReader(x for x in lines if not x.startswith("#")))


def main() -> None:
    """Recompute; with --write store, else tell what differs."""
    folder = waveforms()
    if folder is None:
        print("no real records here: set DETENTE_DATA to the folder that holds seismic/waveforms")
        return
    found = rows(folder)
    if "--write" in sys.argv:
        write_whole(STORED, encoded(found))
        print(f"wrote {STORED}")
        return
    kept = stored()
    differ = [
        f"{new['day']} {new['kind']} {c}: stored {old.get(c)}, now {new[c]}"
        for old, new in zip(kept, found, strict=True)
        for c in COLUMNS
        if old.get(c) != new[c]
    ]
    print("\n".join(differ))
    line("values that differ from the stored table", len(differ), "", "0", kept=not differ)
