"""Other people's interfaces on a `Session`: `Executor`, `Pool`, their futures and results."""
