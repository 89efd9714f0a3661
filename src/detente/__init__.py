"""detente runs an arms-control regime: its law, numbers, records, proofs, monitoring, hotline."""

__version__ = "0.1.0"
