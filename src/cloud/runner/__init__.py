"""The program inside a worker process: besides the client, the only place that opens what users pickled."""
