"""The law: reads an instrument, resolves it at a date, compiles its limits, tracks its life, explains."""
