"""The words of QuakeML 1.2 and of our own namespace in it, for its writer and its reader."""

from __future__ import annotations

BED = "http://quakeml.org/xmlns/bed/1.2"
OURS = "urn:detente:bulletin:1"
PREFIX = "smi:detente/"
POLARITY = {"up": "positive", "down": "negative"}
ELLIPSE = {
    "semi_minor_km": "minHorizontalUncertainty",
    "semi_major_km": "maxHorizontalUncertainty",
    "strike_deg": "azimuthMaxHorizontalUncertainty",
}
# fields that QuakeML cannot hold, or holds less exactly, carried in our own namespace
ARRIVAL_EXTRA = ("band_hz", "why", "method", "by", "channel", "station")
ORIGIN_EXTRA = ("missed", "why", "method", "by", "model", "depth_low_km", "depth_high_km", "depth")
EVENT_EXTRA = ("limits", "screening", "yields", "score", "changes")
BULLETIN_EXTRA = ("start", "end", "stations", "faults", "made_with")
