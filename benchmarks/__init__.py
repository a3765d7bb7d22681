"""One script a claim: speed or quality, prints a table, writes JSON."""
