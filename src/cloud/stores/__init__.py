"""Adapters of the Store and Blobs ports: they remember, and decide nothing."""
