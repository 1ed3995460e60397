"""The loop around the core: receive, step, append, perform, wake. The only rooms that know the core and the world at
once."""
