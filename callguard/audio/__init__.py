"""Sound files: read, joined, trimmed, measured, and the prompts that are played.

Belongs here: what looks at samples. Does not: what decides about calls (core), talks to a PBX or keeps evidence.
"""
