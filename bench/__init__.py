"""Benchmarks: each against a peer or a bare yardstick in the same run, printed as ratios."""
