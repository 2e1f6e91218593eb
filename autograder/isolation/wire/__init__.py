"""The format of everything that passes between the two processes: values as bytes and back."""
