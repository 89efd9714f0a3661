"""The proofs: commitments, ceiling proofs, joint randomness, and what an inspection proves."""
