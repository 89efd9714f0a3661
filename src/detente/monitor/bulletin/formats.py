"""Any bulletin in, any bulletin out: told by content when read, by name when written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from detente.errors import DetenteError, nearest
from detente.files import write_whole
from detente.monitor.bulletin.css3 import read_css3, write_css3
from detente.monitor.bulletin.ims1 import read_ims1, write_ims1
from detente.monitor.bulletin.quakeml import read_quakeml, write_quakeml
from detente.monitor.bulletin.records import Bulletin
from detente.monitor.bulletin.store import Store
from detente.monitor.bulletin.tables import read_json, write_geojson, write_json, write_tables

_WRITERS: dict[str, tuple[str, Callable[[Bulletin], bytes]]] = {
    "quakeml": ("bulletin.xml", write_quakeml),
    "ims1": ("bulletin.ims", write_ims1),
    "json": ("bulletin.json", write_json),
    "geojson": ("bulletin.geojson", write_geojson),
}
_CSS = (".origin", ".arrival")
FORMATS = (*_WRITERS, "css3", "csv", "parquet")


def read_any(path: Path) -> Bulletin:
    """A bulletin from our JSON or store, QuakeML, IMS 1.0, or PREFIX (or PREFIX.origin) of CSS 3.0 flat files.

    Raises DetenteError where it is none of these.
    """
    if path.suffix in _CSS:
        return read_css3(path.with_suffix(""))
    if not path.exists() and any(path.with_name(path.name + s).exists() for s in _CSS):
        return read_css3(path)
    try:
        data = path.read_bytes()
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    if data.startswith(b"SQLite format 3\0"):
        with Store(path, create=False) as store:
            return store.bulletin()
    head = data[:4000].lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith(b"{"):
        return read_json(data, path.name)
    if head.startswith(b"<"):
        return read_quakeml(data, path.name)
    if b"DATA_TYPE BULLETIN" in data[:4000].upper():
        return read_ims1(data, path.name)
    raise DetenteError(
        "not a bulletin", where=str(path), fix="give JSON, a store, QuakeML, IMS1.0 or CSS3.0 files"
    )


def write_as(bulletin: Bulletin, kind: str, out: Path) -> tuple[Path, ...]:
    """Write a bulletin in one of FORMATS: `out` a folder for tables, PREFIX for CSS, else a file or its folder.

    Raises DetenteError for a format that is not known or a place that cannot be written.
    """
    if kind in ("csv", "parquet"):
        return write_tables(bulletin, out, kind)
    if kind == "css3":
        return write_css3(bulletin, out / "bulletin" if out.is_dir() else out)
    if kind not in _WRITERS:
        raise DetenteError(f"no format '{kind}'", fix=nearest(kind, FORMATS))
    name, write = _WRITERS[kind]
    path = out / name if out.is_dir() or not out.suffix else out
    write_whole(path, write(bulletin))
    return (path,)
