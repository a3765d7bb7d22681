"""Scores: arrays in, numbers out. No torch, and nothing of the other rooms but the codec of the labels."""
