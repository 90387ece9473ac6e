"""Following headers by the rules of their consensus: who may seal, and what is sealed. All of it is pure."""
