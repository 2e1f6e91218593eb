"""The uses of grades: answer a request, send them to a learning platform, look at the class as a whole."""
