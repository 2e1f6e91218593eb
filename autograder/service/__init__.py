"""Handing in: a process that takes work in, grades it with the engine, and tells the student within seconds."""
