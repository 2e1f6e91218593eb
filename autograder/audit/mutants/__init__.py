"""Right answers changed mechanically: a change that no check notices is work for the author, or marked equivalent."""
