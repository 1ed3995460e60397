"""`python -m callguard`."""

from callguard.cli import main

if __name__ == "__main__":
    main()
