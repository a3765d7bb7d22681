"""The offline half: Luigi tasks that turn the videos of a manifest into shards of (frame, relative depth)."""
