"""The untrusted half: what runs inside the sandbox. It holds no tests, no answers and no grades."""
