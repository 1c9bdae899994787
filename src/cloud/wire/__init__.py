"""What crosses a process boundary, one module for both sides: standard library only, opaque user bytes."""
