"""The pure core: facts in, requests out. No socket, clock, random number, database or log is in reach."""
