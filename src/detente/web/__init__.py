"""The workbench: an API over the rooms and the built page."""
