"""`python -m cloud.cli`: the command `picloud`, where it is not on the path."""

from cloud.cli.main import main

main()
