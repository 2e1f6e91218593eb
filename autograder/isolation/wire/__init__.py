"""Values as bytes and back: the format of everything that passes between the two processes."""
