"""The competition's fixed rules, its hidden test, and the run of one entry: trained again, asked, counted outside.

Nothing here ranks: an entry's right answers go, packed, into its result, and from there to the leaderboard.
"""
