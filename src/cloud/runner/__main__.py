"""`python -m cloud.runner ...`: a template, from which workers are forked."""

from cloud.runner.template import main

main()
