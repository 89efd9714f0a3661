"""An answer as a file: JSON, CSV, Parquet or GeoJSON."""

from __future__ import annotations

import io
from typing import Any

import msgspec

from detente.errors import DetenteError, nearest
from detente.web.answer import Answer, plain

MEDIA = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "geojson": "application/geo+json",
}


def encode(value: Any) -> bytes:
    """JSON with keys in a fixed order; the tables of an answer by column, which is a third of the size."""
    if isinstance(value, Answer):
        tables = {
            n: {k: [r[k] for r in rows] for k in (rows[0] if rows else ())}
            for n, rows in value.tables.items()
        }
        value = {**{f: getattr(value, f) for f in value.__struct_fields__}, "tables": tables}
    return msgspec.json.encode(value, order="deterministic", enc_hook=plain)


def exported(answer: Answer, form: str, table: str = "") -> bytes:
    """The bytes of an answer in a form. Raises DetenteError for an unknown form, table, or one without places."""
    if form not in MEDIA:
        raise DetenteError(f"no format '{form}'", fix=nearest(form, MEDIA))
    if form == "json":
        return encode(answer)
    if form == "geojson":
        return encode(answer.geo or _points(answer))
    if not answer.tables:
        raise DetenteError("nothing here is a table", fix="ask for json")
    name = table or next(iter(answer.tables))
    if name not in answer.tables:
        raise DetenteError(f"no table '{name}'", fix=nearest(name, answer.tables))
    return _table(answer.tables[name], form)


def _table(rows: list[dict[str, Any]], form: str) -> bytes:
    import polars as pl

    frame, out = pl.DataFrame(rows, infer_schema_length=None, strict=False), io.BytesIO()
    if form == "csv":
        frame.write_csv(out)
    else:
        frame.write_parquet(out)
    return out.getvalue()


def _points(answer: Answer) -> dict[str, Any]:
    """The first table whose rows have a place, as points."""
    rows = next((t for t in answer.tables.values() if t and {"lat", "lon"} <= set(t[0])), None)
    if rows is None:
        raise DetenteError("nothing here has a place on the earth", fix="ask for csv, parquet or json")
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [r["lon"], r["lat"]]},
            "properties": {k: v for k, v in r.items() if k not in ("lat", "lon")},
        }
        for r in rows
        if r["lon"] is not None and r["lat"] is not None
    ]
    return {"type": "FeatureCollection", "features": features}
