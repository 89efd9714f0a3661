"""Event characterisation: magnitudes, screening and yield of a located event."""
