"""The core: `Jobs` answers, `Dispatcher.tick()` acts, `lifecycle` says what follows what."""
