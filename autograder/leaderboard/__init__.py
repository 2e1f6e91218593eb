"""Ranks that can be trusted: standings, prizes, statistics, and what may be shown of them."""
