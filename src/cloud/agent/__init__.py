"""The agent: owner of one machine's worker processes. It moves bytes and opens none of them."""
