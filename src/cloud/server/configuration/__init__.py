"""The configuration of a server: one TOML file and the command line, checked as a whole before anything starts."""
