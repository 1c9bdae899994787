"""The command `picloud`."""
