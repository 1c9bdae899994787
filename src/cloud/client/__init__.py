"""The user's side: submit, wait, read, on any `JobApi`. Besides the runner, the only place that opens user bytes."""
