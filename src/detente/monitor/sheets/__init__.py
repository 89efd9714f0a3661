"""Figures of the bulletin: event sheets, the day, the health of the network."""
