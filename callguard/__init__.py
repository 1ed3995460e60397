"""callguard: telephone recordings that are lawful at capture, stay lawful, and can prove it."""

__version__ = "0.1.0"
