"""Renders drives through a street with exact ground truth."""
