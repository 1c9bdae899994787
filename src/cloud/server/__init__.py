"""The core behind HTTP: who may come in, what they may ask, and the process that listens."""
