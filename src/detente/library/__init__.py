"""The encoded instruments, one folder each: data only."""
