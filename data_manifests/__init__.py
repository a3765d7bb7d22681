"""Manifests and split lists: what to process. Data, no code."""
