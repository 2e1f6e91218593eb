"""The competition's fixed rules, its hidden test, and the run of one entry: trained again, asked, counted outside.

Nothing here ranks: what an entry answered rightly goes, packed, into its result, and from there to the leaderboard.
"""
