"""What `make bench` measures: one module per question, each in a fresh interpreter with a server of its own."""
