"""The service for handing in: it takes work in, grades it with the engine, and tells the student within seconds."""
