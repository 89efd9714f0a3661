"""The page people read: figures, text, languages."""
