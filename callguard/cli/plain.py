"""Options that need nothing but click: commands that start fast take them from here.

What belongs here: options. What does not: the adapters that they stand for (option.py).
"""

from __future__ import annotations

from pathlib import Path

import click

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("callguard.toml"),
    envvar="CALLGUARD_CONFIG",
    show_default=True,
    help="How to reach things.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
