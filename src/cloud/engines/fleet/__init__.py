"""An engine whose agents are elsewhere: on other machines, each in a process of its own."""
