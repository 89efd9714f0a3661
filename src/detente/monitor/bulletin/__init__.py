"""The bulletin: its records, its formats, and the changes that analysts make to it."""
