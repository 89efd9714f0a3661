"""Build the station tables and coast.npz: python tools/build_stations.py SHARED/seismic land-110m.json.

`land-110m.json`: Natural Earth 4.1 land at 1:110m (public domain) as redistributed in TopoJSON by the npm
package world-atlas 2.0.2. SHARED/seismic: the collected facts (ims_stations.csv, ims_array_elements.csv).
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "src/detente/monitor/data"
GMS = "SNL-GMS/GMS-PI7-OPEN gms-common/config/station-reference/data/ueb_test.site (BSD-3), 2019"
NETWORKS = {"primary seismic": "primary", "auxiliary seismic": "auxiliary"}


def coast(topology: Path) -> None:
    """Land rings of a quantised TopoJSON file, hundredths of a degree."""
    world = json.loads(topology.read_text())
    scale, move = world["transform"]["scale"], world["transform"]["translate"]
    arcs = [np.cumsum(a, axis=0) * scale + move for a in world["arcs"]]
    rings = []
    for shape in world["objects"]["land"]["geometries"]:
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        for ring in (r for polygon in polygons for r in polygon):
            parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in ring]
            line = np.concatenate([parts[0], *(p[1:] for p in parts[1:])])
            line[:, 0] = np.unwrap(line[:, 0], period=360.0)  # rings that cross the date line stay whole
            if abs(line[-1, 0] - line[0, 0]) > 180:  # round the pole: close it there
                line = np.concatenate([line, [[line[-1, 0], -90.0], [line[0, 0], -90.0], line[0]]])
            rings.append(line)
    points = np.rint(np.concatenate(rings) * 100).astype(np.int32)
    starts = np.cumsum([0, *(len(r) for r in rings[:-1])]).astype(np.int32)
    np.savez_compressed(DATA / "coast.npz", points=points, starts=starts)


def known(row: dict[str, str]) -> tuple[str, str, str]:
    """Source, quality and uncertainty (km) of a station's coordinates."""
    source = row["coord_source"]
    if source.startswith("SNL-GMS"):
        return GMS, "one_source", "0.1"
    if source.startswith("LANL"):
        return source, "one_source", "5"
    if source.startswith("IU.YSS"):
        return source, "one_source", "0.1"
    if source.startswith("IC.HIA"):
        return source, "assumed", "10"
    return source, "recalled", "50" if row["network"] == "radionuclide" else "10"


def stations(shared: Path) -> None:
    """One row a place of the IMS, with the distance of seismic stations to the coast."""
    from detente.monitor.coast import coast_km

    rows = []
    for row in csv.DictReader((shared / "ims_stations.csv").open(encoding="utf-8")):
        if not row["lat"]:
            continue
        source, quality, sd = known(row)
        seismic = row["network"] in NETWORKS
        shore = f"{coast_km(float(row['lat']), float(row['lon']))[0]:.0f}" if seismic else ""
        rows.append(
            {
                "code": row["station_code"] or row["treaty_code"],
                "treaty_code": row["treaty_code"],
                "network": NETWORKS.get(row["network"], row["network"]),
                "name": row["name"],
                "country": row["country"],
                "lat": row["lat"],
                "lon": row["lon"],
                "elevation_m": row["elev_m"],
                "kind": row["type"] or "place",
                "elements": row["n_sp_elements"],
                "coordinate_sd_km": sd,
                "coast_km": shore,
                "in_2019_file": "yes" if source == GMS else "no",
                "source": source,
                "quality": quality,
                "note": row["note"],
            }
        )
    head = [
        "# Places of the International Monitoring System, state of 2019. in_2019_file: in the data centre's",
        "# station file then. coordinate_sd_km: 0.1 surveyed, more where rounded or a proxy. coast_km: from",
        "# coast.npz, 0 off the 1:110m land.",
    ]
    write(DATA / "ims_stations.csv", rows, head)


def elements(shared: Path) -> None:
    """The vertical sensors of every seismic array, one a place, km east and north of their mean."""
    sites: dict[str, list[tuple[str, float, float]]] = {}
    for row in csv.DictReader((shared / "ims_array_elements.csv").open(encoding="utf-8")):
        array = row["array"]
        if (array[:1] in "HI" and array[1:3].isdigit()) or "(" in array:
            continue
        active = row["channels_active_in_file"]
        rank = 0 if "SHZ" in active else 1
        sites.setdefault(array, []).append((row["element"], float(row["lat"]), float(row["lon"]), rank))
    rows = []
    for array, found in sorted(sites.items()):
        best = min(f[3] for f in found)
        kept: list[tuple[str, float, float, float, float]] = []
        lat0, lon0 = np.mean([f[1] for f in found]), np.mean([f[2] for f in found])
        for name, lat, lon, rank in found:
            north = (lat - lat0) * 111.2
            east = (lon - lon0) * 111.2 * np.cos(np.radians(lat0))
            far = all(np.hypot(east - k[3], north - k[4]) > 0.05 for k in kept)
            if rank == best and far:
                kept.append((name, lat, lon, east, north))
        for name, _, _, east, north in kept:
            rows.append(
                {"array": array, "element": name, "east_km": f"{east:.3f}", "north_km": f"{north:.3f}"}
            )
    head = [
        "# Vertical elements of the IMS seismic arrays, km from its mean; one_source. YKA: StationXML",
        f"# of the network's 2012 example record, the others: {GMS}.",
    ]
    write(DATA / "ims_array_elements.csv", rows, head)


def write(path: Path, rows: list[dict[str, str]], head: list[str]) -> None:
    """A CSV with comment lines before its header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\n".join(head) + "\n")
        out = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


if __name__ == "__main__":
    coast(Path(sys.argv[2]))
    stations(Path(sys.argv[1]))
    elements(Path(sys.argv[1]))
