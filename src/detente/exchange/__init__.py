"""The records: a party's node: log, witnesses, declarations, notifications, inspections, messages."""
