"""The answers: claims, evidence and law become verdicts with reasons."""
