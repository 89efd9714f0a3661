"""The numbers: inventories with provenance, vintages and uncertainty; projections; back-tests."""
