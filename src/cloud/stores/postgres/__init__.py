"""The Store port on PostgreSQL: the state of a team's server, shared by as many server processes as there are."""
