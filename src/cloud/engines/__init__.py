"""Where attempts run: `local` on worker processes of this machine."""
