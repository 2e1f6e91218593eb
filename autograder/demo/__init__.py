"""A sample class, and the demonstration that grades and ranks it."""
