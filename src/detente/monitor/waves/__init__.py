"""Continuous records in: traces, sites, faults, files, archives, services."""
